"""Runs checks over a run and ranks what they find: causes first, their symptoms behind them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..checks.base import Check
from ..checks.finding import Finding
from ..journal.view import RunView

_SEVERITY = {"error": 0, "warning": 1, "note": 2}
_TIER = {"exact": 0, "probe": 1, "heuristic": 2}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Findings, the likeliest root cause first; checks that found nothing; those not run."""

    findings: tuple[Finding, ...]
    silent: tuple[str, ...]
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def causes(self) -> tuple[Finding, ...]:
        """Findings that no other finding explains."""
        return tuple(f for f in self.findings if f.role == "cause")

    def worst(self) -> str | None:
        """The gravest severity among the findings."""
        return min((f.severity for f in self.findings), key=_SEVERITY.__getitem__, default=None)


def diagnose(run: RunView, checks: Iterable[Check]) -> Diagnosis:
    """Reviews a run with each check; an error inside a check makes it "skipped", never a crash."""
    found: list[Finding] = []
    silent: list[str] = []
    skipped: dict[str, str] = {}
    explains: dict[str, frozenset[str]] = {}
    for check in checks:
        explains[check.name] = frozenset(check.explains)
        why = check.why_skipped(run)
        if why is not None:
            skipped[check.name] = why
            continue
        try:
            findings = _once_per_place(check.review(run))
        except Exception as error:
            skipped[check.name] = f"error in the check itself: {type(error).__name__}: {error}"
            continue
        found += findings
        if not findings:
            silent.append(check.name)
    return Diagnosis(tuple(_ranked(found, explains)), tuple(silent), skipped)


def _once_per_place(findings: Iterable[Finding]) -> list[Finding]:
    """Ranks of one run report the same illness once."""
    unique: dict[str, Finding] = {}
    for finding in findings:
        unique.setdefault(finding.fingerprint, finding)
    return list(unique.values())


def _ranked(found: list[Finding], explains: dict[str, frozenset[str]]) -> list[Finding]:
    names = {finding.check for finding in found if finding.severity != "note"}
    labelled = []
    for finding in found:
        causes = tuple(
            sorted(
                name
                for name in names
                if finding.check in explains[name] and name not in explains[finding.check]
            )
        )
        labelled.append(finding.as_symptom(causes) if causes else finding)
    reach = {name: len(explains[name] & names) for name in names}
    return sorted(
        labelled,
        key=lambda f: (
            f.role != "cause",
            _SEVERITY[f.severity],
            _TIER[f.tier],
            -reach.get(f.check, 0),
            f.steps[0],
        ),
    )
