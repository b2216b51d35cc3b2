"""What an experiment says of causes: which finding goes with which remedy, and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..diagnosis import Diagnosis
from .trial import Trial
from .verdict import Verdict, listed

State = Literal["gone", "still there", "new", "hidden", "not judged"]


@dataclass(frozen=True, slots=True)
class Row:
    """One finding of the control, or a new one, and what became of it with each remedy."""

    finding: str
    states: Mapping[str, State]

    def remedies(self, state: State) -> tuple[str, ...]:
        """Names the remedies with which it came out so."""
        return tuple(name for name, of in self.states.items() if of == state)


@dataclass(frozen=True, slots=True)
class Settled:
    """The causes that the experiment has proved.

    Attributes:
        causes: The findings whose own remedy is the cure.
        remedy: The cure.
        uncovered: What shows only once they are mended, and is mended by the cure too.
        explains: Their symptoms: found in every run of the control, and gone with the cure, which
            is no remedy of their own.
        left: What is still found with it.
        differs: Where that is otherwise than `check` had said, in clauses.
    """

    causes: tuple[str, ...]
    remedy: str
    uncovered: tuple[str, ...] = ()
    explains: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Returns what a report of schema 1 holds."""
        return {
            "causes": list(self.causes),
            "remedy": self.remedy,
            "uncovered": list(self.uncovered),
            "explains": list(self.explains),
            "left": list(self.left),
            "differs": list(self.differs),
        }


def table(trial: Trial) -> list[Row]:
    """Returns what became of each finding (no note) with each remedy that was run."""
    run = [verdict for verdict in trial.verdicts if verdict.effect and verdict.candidate.tricks]
    known = [f.check for f in trial.diagnosis.findings] if trial.diagnosis else []
    ill = {c for r in trial.control.values() for c in r.checks("error", "warning")}
    born = [check for verdict in run for check in verdict.reverse.born]
    rows = dict.fromkeys([*(c for c in known if c in ill), *sorted(ill), *born])
    return [Row(check, {v.candidate.name: _state(v, check) for v in run}) for check in rows]


def _state(verdict: Verdict, check: str) -> State:
    reverse = verdict.reverse
    states: dict[State, tuple[str, ...]] = {
        "gone": reverse.gone, "still there": reverse.left, "new": reverse.born,
        "hidden": reverse.hidden,
    }  # fmt: skip
    return next((state for state, checks in states.items() if check in checks), "not judged")


def settle(trial: Trial) -> Settled | None:
    """Returns the causes that the best remedy proves; None if it proves none.

    Its own findings must have been looked for, and gone. A finding that goes with another one's own
    remedy is its symptom in this run. One whose supposed cause is left standing is not proved to be
    a cause: its remedy may treat a symptom.
    """
    best = trial.verdicts[0] if trial.verdicts else None
    diagnosis = trial.diagnosis
    if best is None or diagnosis is None or not best.recommended or not best.candidate.checks:
        return None
    causes, reverse = best.candidate.checks, best.reverse
    behind = {by for f in diagnosis.findings if f.check in causes for by in f.explained_by}
    ill = {check for result in trial.control.values() for check in result.checks()}
    uncovered = tuple(check for check in causes if check not in ill)
    causes = tuple(check for check in causes if check in ill)
    gone = bool(causes) and set(causes) <= set(reverse.gone)
    if not gone or not behind.isdisjoint(reverse.left):
        return None
    always = frozenset.intersection(*(trial.control[seed].checks() for seed in best.seeds))
    explains = tuple(
        dict.fromkeys(
            f.check
            for f in diagnosis.findings
            if f.check in reverse.gone and f.check in always and f.check not in causes
        )
    )
    left = tuple(check for check in reverse.left if check not in causes)
    differs = tuple(_differences(diagnosis, causes, explains))
    return Settled(causes, best.candidate.name, uncovered, explains, left, differs)


def _differences(
    diagnosis: Diagnosis, causes: tuple[str, ...], explains: tuple[str, ...]
) -> list[str]:
    said = [f.check for f in diagnosis.causes if f.severity != "note" and not f.preview]
    found = []
    if said and said[0] not in causes:
        found.append(f"{said[0]} stood first")
    for finding in diagnosis.findings:
        check, by = finding.check, finding.explained_by
        if check in explains and finding.role == "cause":
            found.append(f"{check} stood there as a cause of its own")
        elif check in explains and not set(causes) & set(by):
            found.append(f"{check} was laid to {listed(by)}")
        elif check in causes and finding.role == "symptom":
            found.append(f"{check} was taken for a symptom of {listed(by)}")
    return list(dict.fromkeys(found))


def revise(diagnosis: Diagnosis, settled: Settled) -> Diagnosis:
    """Returns the diagnosis as the experiment leaves it: the proved causes first."""

    def rank(place: int) -> int:
        finding = diagnosis.findings[place]
        if finding.check in settled.causes:
            return 0
        return 1 if finding.role == "cause" and finding.check not in settled.explains else 2

    ranking = sorted(range(len(diagnosis.findings)), key=rank)
    place_of = {old: new for new, old in enumerate(ranking)}
    proved = tuple(n for n, old in enumerate(ranking) if rank(old) == 0)
    findings, explained = [], {}
    for new, old in enumerate(ranking):
        finding, by = diagnosis.findings[old], diagnosis.explained.get(old, ())
        if rank(old) == 0:
            finding = replace(finding, role="cause", explained_by=())
        elif finding.check in settled.explains:
            finding, explained[new] = finding.as_symptom(settled.causes), proved
        elif by:
            explained[new] = tuple(sorted(place_of[cause] for cause in by))
        findings.append(finding)
    return replace(diagnosis, findings=tuple(findings), explained=explained)
