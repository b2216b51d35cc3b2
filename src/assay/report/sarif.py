"""The report as SARIF 2.1.0, so that code hosts and editors show findings on the line."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .. import __version__
from ..checks.base import Check
from ..checks.finding import Evidence, Finding
from ..journal.view import Site
from .atomic import write_whole
from .ending import signal_name
from .measured import title, when
from .model import Report
from .sentence import sentence
from .source import changed_since, excerpt

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
ROOT = "%SRCROOT%"
_PRECISION = {"exact": "very-high", "probe": "high", "heuristic": "medium"}
_PROBLEM = {"error": "error", "warning": "warning", "note": "recommendation"}


def write_sarif(report: Report, checks: Iterable[Check], target: str) -> None:
    """Writes the report to a file, or to standard output for `-`.

    Args:
        report: What to write.
        checks: All checks there are; those that were asked for become rules.
        target: A path, or `-`.

    Raises:
        OSError: The file can't be written; one that was there stays as it was.
    """
    log = as_sarif(report, checks)
    text = json.dumps(log, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    data = text.encode("utf-8", "replace")
    if target == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        write_whole(Path(target), data)


def as_sarif(report: Report, checks: Iterable[Check]) -> dict[str, Any]:
    """Returns the report as a SARIF log of one run."""
    rules = [check for check in checks if check.name not in report.ignored]
    places = _Places(report)
    numbers = {rule.name: number for number, rule in enumerate(rules)}
    run = {
        "tool": {
            "driver": {
                "name": "assay",
                "semanticVersion": __version__,
                "rules": [_rule(check) for check in rules],
            }
        },
        "automationDetails": {"id": f"assay/{report.as_dict()['run']['id']}"},
        "invocations": [_invocation(report, numbers, places)],
        "originalUriBaseIds": {ROOT: {"uri": places.root.as_uri().rstrip("/") + "/"}},
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(
                finding,
                numbers.get(finding.check),
                [report.findings[c] for c in report.diagnosis.explained.get(place, ())],
                places,
            )
            for place, finding in enumerate(report.findings)
        ],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


class _Places:
    """Turns the user's lines into locations relative to the root of their repository."""

    def __init__(self, report: Report) -> None:
        self._facts = report.view.facts
        here = Path(str(self._facts.get("cwd") or os.getcwd())).absolute()
        self.cwd = here
        self.root = next((up for up in (here, *here.parents) if (up / ".git").exists()), here)
        self._fallback = self._script() or next(
            (training.site for training in report.view.trainings if training.site), None
        )

    def _script(self) -> Site | None:
        """Returns the command's first Python file: a finding of the whole run belongs there."""
        for word in self._facts.get("command") or ():
            if str(word).endswith(".py") and (self.cwd / str(word)).is_file():
                return Site(str(self.cwd / str(word)), 0)
        return None

    def file(self, path: str) -> dict[str, Any] | None:
        """Returns an `artifactLocation`; None for what is no file, such as a notebook's cell."""
        if not path or path.startswith("<"):
            return None
        absolute = Path(os.path.normpath(self.cwd / path))
        try:
            return {"uri": quote(absolute.relative_to(self.root).as_posix()), "uriBaseId": ROOT}
        except ValueError:
            return {"uri": absolute.as_uri()}

    def line(self, site: Site) -> str:
        """Returns the text of a line; empty if it can't be read or may be another by now."""
        if changed_since(site, self._facts):
            return ""
        lines = excerpt(Site(str(self.cwd / site.file), site.line), around=0)
        return lines[0][1] if lines else ""

    def physical(self, finding: Finding) -> dict[str, Any] | None:
        """Returns where the finding is shown: its line, else the script."""
        shown = (self.at(site) for site in (finding.where.site, self._fallback) if site is not None)
        return next((at for at in shown if at is not None), None)

    def at(self, site: Site) -> dict[str, Any] | None:
        """Returns a `physicalLocation`; None for a line of what is no file."""
        file = self.file(site.file)
        if file is None or site.line < 1:
            return None if file is None else {"artifactLocation": file}
        text = self.line(site)
        region = {"startLine": site.line, **({"snippet": {"text": text}} if text else {})}
        return {"artifactLocation": file, "region": region}

    def fingerprint(self, finding: Finding) -> str:
        """Returns what stays the same while the line moves in its file and the numbers change."""
        where = finding.where
        file = (self.file(where.site.file) or {}).get("uri") if where.site else None
        line = self.line(where.site).strip() if where.site else None
        parts = (finding.check, file, line, where.module, where.parameter, where.group)
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _rule(check: Check) -> dict[str, Any]:
    page = inspect.cleandoc(type(check).__doc__ or check.name)
    opening, *sections = page.split("\n## ")
    short = " ".join(opening.split())
    does = (
        s.partition("\n")[2] for s in sections if s.startswith(("What it does", "Why it matters"))
    )
    full = " ".join(" ".join(does).split()) or short
    return {
        "id": check.name,
        "name": "".join(part.capitalize() for part in check.name.split("-")),
        "shortDescription": _message(short[:1000]),
        "fullDescription": _message(full[:1000]),
        "help": {"text": page, "markdown": page},
        "defaultConfiguration": {"level": check.severity},
        "properties": {
            "tags": ["pytorch", check.family],
            "precision": _PRECISION[check.tier],
            "problem.severity": _PROBLEM[check.severity],
        },
    }


def _message(text: str) -> dict[str, str]:
    """Returns text in which nothing is a placeholder or a link."""
    return {"text": text.replace("{", "{{").replace("}", "}}").replace("](", "] (")}


def _result(
    finding: Finding, rule: int | None, causes: Sequence[Finding], places: _Places
) -> dict[str, Any]:
    physical = places.physical(finding)
    text = [sentence(finding.summary), sentence(finding.why)]
    text += ["Try: " + sentence("; or ".join(finding.try_))] if finding.try_ else []
    message = _message("\n".join(part for part in text if part))
    related: list[dict[str, Any]] = []
    for cause in causes:
        at = places.physical(cause)
        if at is not None:
            about = _message(f"the cause: {cause.check}")
            related.append({"physicalLocation": at, "message": about})
            message["text"] += f"\nExplained by [{cause.check}]({len(related)})."
    for site in finding.also:
        at = places.at(site)
        if at is not None:
            related.append({"physicalLocation": at, "message": _message("the same, at this line")})
    for item in finding.evidence:
        measured: dict[str, Any] = {"message": _message(_measured(item, finding.steps))}
        if physical is not None:
            measured["physicalLocation"] = physical
        if item.place:
            measured["logicalLocations"] = [{"fullyQualifiedName": item.place}]
        related.append(measured)
    result: dict[str, Any] = {
        "ruleId": finding.check,
        "level": finding.severity,
        "kind": "fail",
        "message": message,
        "locations": _locations(finding, physical),
        "partialFingerprints": {"assay/v1": places.fingerprint(finding)},
        "properties": {
            "family": finding.family,
            "tier": finding.tier,
            **({"preview": True} if finding.preview else {}),
            "role": finding.role,
            "explainedBy": list(finding.explained_by),
            "steps": list(finding.steps),
            "tricks": [f"{t.name}={t.value}" if t.value else t.name for t in finding.tricks],
        },
    }
    if rule is not None:
        result["ruleIndex"] = rule
    if related:
        result["relatedLocations"] = [
            {"id": number, **location} for number, location in enumerate(related, 1)
        ]
    return result


def _locations(finding: Finding, physical: dict[str, Any] | None) -> list[dict[str, Any]]:
    where = finding.where
    logical = []
    for kind, name in (("parameter", where.parameter), ("module", where.module)):
        if name:
            logical.append({"fullyQualifiedName": name, "kind": kind})
    if where.site is not None and where.site.function.isidentifier():
        logical.append({"fullyQualifiedName": where.site.function, "kind": "function"})
    location: dict[str, Any] = {}
    if physical is not None:
        location["physicalLocation"] = physical
    if logical:
        location["logicalLocations"] = logical
    return [location] if location else []


def _measured(item: Evidence, steps: tuple[int, int]) -> str:
    unit = "" if item.unit in ("", "1") else f" {item.unit}"
    limit = "" if item.limit is None else f" (limit {item.limit:.4g}{unit})"
    at = f" at {item.place}" if item.place else ""
    said = when(item, steps)
    return f"{title(item)}{at}: {item.value:.4g}{unit}{limit}{', ' if said else ''}{said}"


def _invocation(report: Report, numbers: Mapping[str, int], places: _Places) -> dict[str, Any]:
    """Says how the script ended: assay takes over its exit status."""
    facts = report.view.facts
    command = [str(word) for word in facts.get("command") or ()]
    notices = []
    if report.unseen is not None:
        notices.append({"level": "error", "message": _message(report.unseen.reason)})
    notices += [{"level": "warning", "message": _message(e)} for e in report.view.errors]
    for name, why in report.diagnosis.skipped.items():
        notice: dict[str, Any] = {"level": "note", "message": _message(f"{name} skipped: {why}")}
        if name in numbers:
            notice["associatedRule"] = {"id": name, "index": numbers[name]}
        notices.append(notice)
    number = facts.get("signal")
    told = {
        "commandLine": shlex.join(command) if command else None,
        "arguments": command[1:] or None,
        "workingDirectory": {"uri": places.cwd.as_uri().rstrip("/") + "/"},
        "startTimeUtc": _utc(facts.get("started")),
        "endTimeUtc": _utc(facts.get("ended")),
        "exitCode": facts.get("exit_code"),
        "exitSignalNumber": number,
        "exitSignalName": signal_name(number),
        "toolExecutionNotifications": notices or None,
    }
    kept = {key: value for key, value in told.items() if value is not None}
    return {"executionSuccessful": report.observed, **kept}


def _utc(text: object) -> str | None:
    try:
        moment = datetime.fromisoformat(str(text)).astimezone(timezone.utc)
    except ValueError:
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"
