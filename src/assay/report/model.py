"""The report: all that is said of one run, independent of how it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import __version__
from ..checks.base import Check
from ..checks.finding import SEVERITIES, Finding
from ..diagnosis import Diagnosis, diagnose
from ..diagnosis.ladder import Ladder, read_ladder
from ..journal.numbers import to_json
from ..journal.signals import SIGNALS
from ..journal.view import RunView, Training
from ..signals.movement import unmoved
from ..signals.trend import Trend
from .apart import apart, listed, ranks_among
from .ending import Unseen, bad_end, signal_name, why_unseen

SCHEMA = 1
TOO_SHORT = 50
"""With fewer steps than this no check can judge how the loss goes (`learning-rate-too-high` needs
the fewest of those that do), and silence says little."""
_NOT_SEEN = "no training step was seen"


@dataclass(frozen=True, slots=True, repr=False)
class Report:
    """What is known of one run: its record and the diagnosis.

    Attributes:
        view: The run's record.
        diagnosis: Findings, silent checks and skipped ones; nothing is silent if nothing was seen.
        ignored: Checks that were not asked for, each with who said so.
        folder: The run folder; None for a run that has none.
        unseen: Why no training step was seen; None if one was, or a finding says why.
        page: Where its page has been written; None if it has not.
        ladder: What an extra run of the script has settled; None where there was none.
    """

    view: RunView
    diagnosis: Diagnosis
    ignored: Mapping[str, str]
    folder: Path | None = None
    unseen: Unseen | None = None
    page: Path | None = None
    ladder: Ladder | None = None

    def __repr__(self) -> str:
        """Returns one line: a notebook shows what its last line returns."""
        found = ", ".join(f"{f.severity} {f.check}" for f in self.diagnosis.causes)
        nothing = "not judged in full" if self.view.failed else "nothing found"
        state = found or (nothing if self.observed else "not observed")
        return f"<Report: {state}; {self.view.steps} steps>"

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, the likeliest root cause first."""
        return self.diagnosis.findings

    @property
    def observed(self) -> bool:
        """Whether at least one training step was seen."""
        return self.view.observed

    @property
    def too_short(self) -> bool:
        """Whether so few steps were seen that finding nothing says little."""
        return self.view.steps < TOO_SHORT

    @property
    def unmoved(self) -> list[tuple[Training, Trend]]:
        """Trainings whose loss ended where it began."""
        found = ((training, unmoved(training)) for training in self.view.trainings)
        return [(training, seen) for training, seen in found if seen is not None]

    @property
    def overhead_pct(self) -> float | None:
        """Cost of observing in per cent of the time spent in steps; None if it is not known."""
        cost, stepping_s = self.view.facts.get("cost"), self.view.facts.get("stepping_s")
        if not cost or not stepping_s or stepping_s <= cost["own_s"]:
            return None
        return 100.0 * float(cost["own_s"]) / (float(stepping_s) - float(cost["own_s"]))

    @property
    def world_size(self) -> int:
        """How many processes trained together."""
        return max(
            int(self.view.facts.get("world") or 1), len({t.rank for t in self.view.trainings}), 1
        )

    @property
    def separate(self) -> tuple[int, ...]:
        """Numbers of the processes that trained each by itself; empty for one, or for ranks."""
        return apart(self.view)

    def processes_of(self, finding: Finding) -> str | None:
        """Returns `2 of 3 (pid 4711)`: where it was found, if processes trained by themselves."""
        places = [n for n, p in enumerate(self.separate, 1) if p in finding.processes]
        if not places:
            return None
        known = self.view.facts.get("processes") or ()
        numbers = [self.separate[place - 1] for place in places]
        pids = [str(known[n].get("pid")) for n in numbers if n < len(known)]
        told = f" (pid{'s' if len(pids) > 1 else ''} {', '.join(pids)})" if pids else ""
        return f"{listed(places)} of {len(self.separate)}{told}"

    def ranks_of(self, finding: Finding) -> str | None:
        """Returns `all 8` or `1 and 5 of 8`: the ranks it was found on, of those that trained."""
        found, of = ranks_among(self.view, finding.processes)
        return (
            None if not found else f"all {of}" if len(found) == of else f"{listed(found)} of {of}"
        )

    def fails(self, level: str | None) -> bool:
        """Whether a finding is at least as grave as `level` (`error`, `warning`; None: never)."""
        if level is None:
            return False
        return any(
            SEVERITIES[f.severity] <= SEVERITIES[level] for f in self.findings if not f.preview
        )

    def causes(self) -> list[tuple[Finding, list[Finding]]]:
        """Returns each cause, the likeliest first, with the symptoms that are told under it.

        A symptom, or a symptom of a symptom, is told once: under the likeliest of its causes.
        """
        told: dict[int, list[Finding]] = {}
        for place, finding in enumerate(self.findings):
            root = self.diagnosis.roots(place)[0]
            told.setdefault(root, [])
            if root != place:
                told[root].append(finding)
        return [(self.findings[root], symptoms) for root, symptoms in sorted(told.items())]

    def as_dict(self) -> dict[str, Any]:
        """Returns the report as schema 1 has it: docs/reference/report.schema.json."""
        facts = self.view.facts
        overhead = self.overhead_pct
        report: dict[str, Any] = {
            "schema": SCHEMA,
            "assay": __version__,
            "observed": self.observed,
            "run": {
                "id": str(facts.get("id") or (self.folder.name if self.folder else "unknown")),
                "command": [str(word) for word in facts.get("command") or ()],
                "exit_code": facts.get("exit_code"),
                "signal": signal_name(facts.get("signal")),
                "steps": self.view.steps,
                "seconds": facts.get("seconds"),
                "torch": facts.get("torch"),
                "device": facts.get("device"),
                "world_size": self.world_size,
                "processes": _processes(self.view),
                "overhead_pct": None if overhead is None else round(overhead, 2),
                **_sampling(facts.get("cost")),
            },
            "findings": [_finding(finding, self) for finding in self.findings],
            "verdicts": [],
            "silent": list(self.diagnosis.silent),
            "skipped": {**self.diagnosis.skipped, **self.ignored},
        }
        if self.diagnosis.partly:
            report["partly"] = {name: dict(why) for name, why in self.diagnosis.partly.items()}
        failed = {"probes": dict(self.view.failed), "checks": self.diagnosis.failed}
        if any(failed.values()):
            report["failed"] = {what: errors for what, errors in failed.items() if errors}
        if self.observed and (still := self.unmoved):
            report["not_moved"] = [
                {"training": str(training), "begin": seen.begin, "end": seen.end}
                for training, seen in still
            ]
        unseen = self.unseen or why_unseen(self.view)
        if unseen is not None:
            report["not_observed"] = unseen.reason
        if self.view.errors:
            report["problems"] = list(self.view.errors)
        if self.ladder is not None:
            report["ladder"] = self.ladder.as_dict()
        return report


def make_report(
    view: RunView,
    checks: Iterable[Check],
    *,
    ignore: Iterable[str] = (),
    only: Iterable[str] = (),
    folder: Path | None = None,
) -> Report:
    """Reviews a run and says what is known of it.

    Args:
        view: The run's record.
        checks: All checks there are.
        ignore: Names of checks that are not run; it wins over `only`.
        only: Names of the checks that are run; all if empty.
        folder: The run folder.
    """
    ignore, only = set(ignore), set(only)
    ignored: dict[str, str] = {}
    chosen = []
    for check in checks:
        if check.name in ignore:
            ignored[check.name] = "ignored, as asked"
        elif only and check.name not in only:
            ignored[check.name] = "not chosen: --only names others"
        else:
            chosen.append(check)
    diagnosis = diagnose(view, chosen)
    unseen = why_unseen(view)
    if unseen is not None:
        # nobody may take a run that was not seen for a healthy one
        skipped = {**diagnosis.skipped, **dict.fromkeys(diagnosis.silent, _NOT_SEEN)}
        diagnosis = replace(diagnosis, silent=(), skipped=skipped)
        if bad_end(view) is None and any(f.severity == "error" for f in diagnosis.findings):
            unseen = None  # what was found says why
    return Report(view, diagnosis, ignored, folder, unseen, ladder=read_ladder(folder))


def _processes(view: RunView) -> list[dict[str, Any]]:
    """Returns the processes that trained, numbered from 1 in the order in which they started."""
    known = view.facts.get("processes") or ()
    found: list[dict[str, Any]] = []
    for process in sorted({t.process for t in view.trainings if t.steps}):
        own = [t for t in view.trainings if t.process == process]
        found.append(
            {
                "number": len(found) + 1,
                "pid": known[process].get("pid") if process < len(known) else None,
                "rank": own[0].rank,
                "steps": max(t.steps for t in own),
            }
        )
    return found


def _sampling(cost: Mapping[str, Any] | None) -> dict[str, Any]:
    """Returns which iterations were looked at, and the seconds that took."""
    if not cost:
        return {}
    return {
        "sampled": {
            "samples": cost["samples"],
            "iterations": cost["iterations"],
            "last_step": cost.get("last"),
        },
        "overhead_s": round(float(cost["own_s"]), 4),
    }


def _finding(finding: Finding, report: Report) -> dict[str, Any]:
    where = finding.where
    among = [n for n, p in enumerate(report.separate, 1) if p in finding.processes]
    ranks, _ = ranks_among(report.view, finding.processes)
    return {
        "check": finding.check,
        "family": finding.family,
        "severity": finding.severity,
        "tier": finding.tier,
        **({"preview": True} if finding.preview else {}),
        **({"processes": among} if among else {}),
        **({"ranks": ranks} if ranks else {}),
        "role": finding.role,
        "explained_by": list(finding.explained_by),
        "summary": finding.summary,
        "why": finding.why,
        "try": list(finding.try_),
        "tricks": [{"name": trick.name, "value": trick.value} for trick in finding.tricks],
        "where": {
            "file": where.site.file if where.site else None,
            "line": where.site.line if where.site else None,
            "module": where.module,
            "parameter": where.parameter,
            "group": where.group,
        },
        **(
            {"also": [{"file": site.file, "line": site.line} for site in finding.also]}
            if finding.also
            else {}
        ),
        "steps": list(finding.steps),
        "evidence": [
            {
                "signal": item.signal,
                "value": to_json(item.value),
                "limit": None if item.limit is None else to_json(item.limit),
                "unit": item.unit or None,
                **({"place": item.place} if item.place else {}),
                **({"title": SIGNALS[item.signal].title} if item.signal in SIGNALS else {}),
                **({"steps": list(item.steps)} if item.steps is not None else {}),
                **({"samples": item.samples} if item.samples is not None else {}),
            }
            for item in finding.evidence
        ],
    }
