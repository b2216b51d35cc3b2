"""What a check is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ..journal.missing import emitter, failure, recorded, why_missing
from ..journal.view import RunView, Training
from .effects import LEVELS, Effect, Level
from .finding import Evidence, Finding, Remedy, Severity, Status, Tier, Where
from .requirements import Requirement


@dataclass(frozen=True, slots=True)
class Limit:
    """A number that a check compares with, and where it comes from."""

    value: float
    unit: str
    source: str


COULD_NOT_LOOK = "could not look: "
"""Begins the reason of a check that was skipped since a probe failed."""


class Check:
    """A pure function from a run to findings. The class docstring is its page.

    A subclass names the illness (read it as "assay allows ..."), lists in `reads` every signal and
    event that it looks at, in `needs` those of them without which it can't judge a run, in
    `requires` what a single training must have before `review` looks at it (`judgeable` yields
    those that do), and in `limits` every number that it compares with. A name that is not declared
    is a KeyError when the class is made; tests hold that it reads all that it lists, and nothing
    else. `is_effect` says which effects its findings are, `leads_to` which effects they bring on:
    what it says of other checks, it says in these words. `leads_to` is a tuple, or a dict with a
    sentence for each effect that says how it comes to that; without one the effect's own words are
    said. A check whose `status` is preview is
    shown, but its findings are never errors, fail no pipeline, ask `assay fix` for nothing and are
    causes of nothing. One whose findings propose no trick says in `by_hand`, as a clause, why its
    mend is left to the person.
    """

    name: ClassVar[str]
    family: ClassVar[str]
    severity: ClassVar[Severity]
    tier: ClassVar[Tier]
    needs: ClassVar[tuple[str, ...]] = ()
    reads: ClassVar[tuple[str, ...]] = ()
    requires: ClassVar[tuple[Requirement, ...]] = ()
    limits: ClassVar[Mapping[str, Limit]] = {}
    status: ClassVar[Status] = "stable"
    is_effect: ClassVar[tuple[Effect, ...]] = ()
    leads_to: ClassVar[Collection[Effect]] = ()
    level: ClassVar[Level | None] = None
    by_hand: ClassVar[str] = ""

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        for name in (*cls.needs, *cls.reads):
            emitter(name)
        if hidden := sorted(set(cls.needs) - set(cls.reads)):
            raise ValueError(f"{cls.__name__} needs {hidden[0]}, which its `reads` does not name")

    def review(self, run: RunView) -> Iterator[Finding]:
        """Yields what is wrong; nothing for a run that is well or was not measured."""
        raise NotImplementedError

    def why_skipped(self, run: RunView) -> str | None:
        """Returns why this run can't be judged; None if it can."""
        missing = [name for name in self.needs if not recorded(run, name)]
        if not missing:
            return self._why_no_training(run)
        if failed := self.why_blind(run, missing):
            return failed
        explained = (name for name in missing if name in run.skipped)
        return why_missing(run, next(explained, missing[0]))

    def why_not(self, run: RunView, training: Training) -> str | None:
        """Returns what this training lacks to be judged, the first thing of `requires`."""

        def first() -> str | None:
            lacks = (each.missing(self, run, training) for each in self.requires)
            return next((why for why in lacks if why is not None), None)

        return run.remembered((self.name, training.index), first)

    def judgeable(self, run: RunView) -> Iterator[Training]:
        """Yields the trainings that have all that this check requires: `review` begins here."""
        return (training for training in run.trainings if self.why_not(run, training) is None)

    def not_judged(self, run: RunView) -> dict[str, str]:
        """Returns the trainings that took steps and can't be judged, each with the reason."""
        found = ((t, self.why_not(run, t)) for t in run.trainings if t.steps)
        return {str(training): why for training, why in found if why is not None}

    def _why_no_training(self, run: RunView) -> str | None:
        """Returns why no training can be judged: what the longest one lacks."""
        if not self.requires or not run.trainings or any(True for _ in self.judgeable(run)):
            return None
        return self.why_not(run, max(run.trainings, key=lambda training: training.steps))

    def why_blind(self, run: RunView, names: Iterable[str] | None = None) -> str | None:
        """Returns which probe failed of those that record what this check reads; None if none did.

        Where one did, that nothing was found does not mean that nothing is wrong.

        Args:
            run: What was recorded.
            names: Signals and events; by default all that it reads.
        """
        failed = (failure(run, name) for name in (self.reads if names is None else names))
        how = next(filter(None, failed), None)
        return None if how is None else COULD_NOT_LOOK + how

    @property
    def order(self) -> tuple[Level, int]:
        """Its place in the order of causation: level, and the rank of its first effect (or -1).

        The level follows from the family unless the class names another.
        """
        rank = min((effect.rank for effect in self.is_effect), default=-1)
        if self.level is not None:
            return self.level, rank
        return (Level.OUTCOME if self.is_effect else LEVELS.get(self.family, Level.MODEL)), rank

    def because(self, effect: Effect) -> str:
        """Returns how this check's fault brings on an effect, as one clause."""
        said = self.leads_to.get(effect) if isinstance(self.leads_to, Mapping) else None
        return said or effect.follows

    def limit(self, name: str) -> float:
        """Returns the value of one of this check's limits."""
        return self.limits[name].value

    def found(
        self,
        summary: str,
        why: str,
        *,
        try_: tuple[str, ...] = (),
        where: Where | None = None,
        steps: tuple[int, int] = (0, 0),
        evidence: tuple[Evidence, ...] = (),
        tricks: tuple[Remedy, ...] = (),
        severity: Severity | None = None,
        tier: Tier | None = None,
        training: Training | None = None,
        process: int = 0,
        processes: tuple[int, ...] = (),
        began: tuple[int, int] | None = None,
        **details: Any,
    ) -> Finding:
        """Makes a finding of this check.

        Args:
            summary: What was measured, in the past tense, with the number.
            why: Why it matters.
            try_: What to do.
            where: What is ill.
            steps: The first and the last step at which it was seen.
            evidence: The numbers behind it.
            tricks: Remedies that assay can apply.
            severity: If other than the check's.
            tier: If other than the check's.
            training: The training it is about; None for all trainings of the process, as for data
                and loss functions.
            process: The process it was found in, where no training is given.
            processes: All processes that it is about, where it is what lies between them.
            began: Between which steps it began: not before the first (it was well until then, or
                can't have been), and it was seen at the second. By default the first of `steps`.
            details: More for those who read findings.
        """
        return Finding(
            check=self.name,
            family=self.family,
            severity=_capped(severity or self.severity, self.status),
            tier=tier or self.tier,
            preview=self.status == "preview",
            summary=summary,
            why=why,
            try_=try_,
            where=where or Where(),
            steps=steps,
            evidence=evidence,
            tricks=tricks,
            training=training.index if training is not None else None,
            process=training.process if training is not None else process,
            processes=processes,
            began=began,
            details=details,
        )


def _capped(severity: Severity, status: Status) -> Severity:
    """Returns the severity of a finding; that of a check in preview is at most a warning."""
    return "warning" if status == "preview" and severity == "error" else severity
