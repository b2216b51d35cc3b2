"""The top of the page: what is wrong in one sentence, then each cause with its evidence."""

from __future__ import annotations

from typing import Any

from ...checks.finding import Evidence, Finding
from ..console import clean
from ..ending import (
    counted,
    how_it_ended,
    how_judged,
    not_moved,
    recording_lost,
    too_short,
    what_failed,
)
from ..measured import span, title, when
from ..model import Report
from ..sentence import sentence
from ..source import changed_since, excerpt, short_path
from .curves import evidence_panel

TIERS = {
    "exact": "a broken invariant: no correct training step does this",
    "probe": "a controlled measurement in the run",
    "heuristic": "a limit on a curve, calibrated on healthy runs",
}


def headline(report: Report) -> dict[str, str]:
    """Returns state and sentence of the verdict: a severity, `healthy` or `unseen`."""
    if report.unseen is not None:
        return {"state": "unseen", "word": "Not observed", "text": sentence(report.unseen.reason)}
    grave = [f for f in report.findings if f.severity != "note"]
    steps = counted(report.view.steps, "step")
    if grave:
        first = report.findings[0]
        causes = [f for f in grave if f.role == "cause"]
        others = max(len(causes) - 1, 0)
        more = f" {counted(others, 'other cause')} below." if others else ""
        return {
            "state": first.severity,
            "word": first.check,
            "text": sentence(first.summary) + more,
        }
    looked, failed = len(report.diagnosis.silent), what_failed(report.view)
    if not report.diagnosis.judged:
        text = f"{steps} seen, but no check could look at them"
        text = sentence(f"{text}: {failed}" if failed else text)
        return {"state": "unseen", "word": "Not judged", "text": text}
    if failed:
        blind = counted(report.diagnosis.blind, "check")
        text = f"{counted(looked, 'check')} found nothing in {steps}, {blind} could not look"
        text = sentence(f"{text}: {failed}")
        return {"state": "unseen", "word": "Not judged in full", "text": text}
    if report.too_short:
        text = sentence(too_short(report))
        return {"state": "unseen", "word": "Too short to judge", "text": text}
    if still := not_moved(report):
        return {"state": "unseen", "word": "Not learning", "text": sentence(still)}
    notes = f", {counted(len(report.findings), 'note')} below" if report.findings else ""
    text = f"{how_judged(report)}{notes}."
    return {"state": "healthy", "word": "Nothing wrong found", "text": text}


def ending(report: Report) -> list[str]:
    """Says what to know of how the run or its recording ended; nothing for a plain success."""
    found = how_it_ended(report.view) if "stopped" not in report.view.facts else None
    lines = [sentence(f"the script {found}")] if found and report.unseen is None else []
    lost = recording_lost(report.view)
    return [*lines, sentence(lost)] if lost else lines


def causes(report: Report) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Returns every cause with its symptoms, and the plots of their evidence."""
    shown, plots = [], []
    for place, (finding, symptoms) in enumerate(report.causes()):
        told = _told(report, finding)
        told["symptoms"] = [_told(report, symptom) for symptom in symptoms]
        panel = evidence_panel(report.view, finding, f"evidence-{place}")
        if panel is not None:
            plots.append({**panel.as_data(), "steps": list(finding.steps)})
            told["plot"] = panel.key
        shown.append(told)
    return shown, plots


def _told(report: Report, finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "severity": finding.severity,
        "tier": finding.tier + (", preview" if finding.preview else ""),
        "tier_means": TIERS[finding.tier],
        "summary": sentence(finding.summary),
        "why": sentence(finding.why),
        "try": [sentence(text) for text in finding.try_],
        "tricks": [f"{t.name}={t.value}" if t.value else t.name for t in finding.tricks],
        "steps": span(finding.steps),
        "where": _where(report, finding),
        "source": _source(report, finding),
        "measured": [_measured(evidence, finding.steps) for evidence in finding.evidence],
        "also": [clean(f"{short_path(site.file)}:{site.line}") for site in finding.also],
        "symptoms": [],
        "plot": None,
    }


def _where(report: Report, finding: Finding) -> str:
    where = finding.where
    parts = [where.parameter or where.module or ""]
    if where.group is not None:
        parts.append(f"parameter group {where.group}")
    if ranks := report.ranks_of(finding):
        parts.append(f"rank {ranks}" if "all" not in ranks else f"{ranks} ranks")
    if processes := report.processes_of(finding):
        parts.append(f"process {processes}")
    return clean(", ".join(part for part in parts if part))


def _source(report: Report, finding: Finding) -> dict[str, Any] | None:
    site = finding.where.site
    if site is None:
        return None
    moved = changed_since(site, report.view.facts)
    named = site.function and not site.function.startswith("<")
    return {
        "place": clean(f"{short_path(site.file)}:{site.line}"),
        "function": clean(site.function) if named else "",
        "line": site.line,
        "moved": moved,
        "lines": [] if moved else [(n, clean(code)) for n, code in excerpt(site, around=3)],
    }


def _measured(evidence: Evidence, steps: tuple[int, int]) -> dict[str, str]:
    unit = "" if evidence.unit in ("", "1") else f" {evidence.unit}"
    limit = "" if evidence.limit is None else f"{evidence.limit:.4g}{unit}"
    return {
        "signal": clean(title(evidence)),
        "when": when(evidence, steps),
        "value": clean(f"{evidence.value:.4g}{unit}".replace("-", "−", 1)),
        "limit": clean(limit),
        "place": clean(evidence.place),
    }
