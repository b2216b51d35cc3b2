"""What a check is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ..journal.view import RunView, Training
from .effects import LEVELS, Effect, Level
from .finding import Evidence, Finding, Remedy, Severity, Status, Tier, Where


@dataclass(frozen=True, slots=True)
class Limit:
    """A number that a check compares with, and where it comes from."""

    value: float
    unit: str
    source: str


ABSENT = {
    "loss": "no backward pass of a single loss was seen",
    "loss_call": "no loss function of torch.nn was called",
    "loss_call_value": "no loss function of torch.nn was called",
    "label_count": "no batch of class labels was seen",
    "input": "no model was given a tensor",
    "layer_input_std": "no layer was given data as they are",
    "dead_unit_share": "no ReLU was seen often enough",
    "activation_saturated_share": "no sigmoid or tanh was seen",
    "eval_share": "no dropout or batch norm in the model",
    "grad_norm": "no gradients of an optimizer's parameters were seen",
    "stale_grad_norm": "no gradients of an optimizer's parameters were seen",
    "learning_rate": "the optimizer has no learning rate",
    "backward": "no backward pass was seen",
    "stalled": "no long row of backward passes was without a step",
    "backward_passes": "no step followed a call of backward()",
    "step_quality": "no step could be judged by a second look at its batch",
}
"""What it means that a signal is missing, in the words of the person who trains."""


class Check:
    """A pure function from a run to findings. The class docstring is its page.

    A subclass names the illness (read it as "assay allows ..."), lists the signals it reads and
    every limit it compares with. `is_effect` says which effects its findings are, `leads_to` which
    effects they bring on: what it says of other checks, it says in these words. A check whose
    `status` is preview is shown, but its findings are never errors, fail no pipeline, ask `assay
    fix` for nothing and are causes of nothing.
    """

    name: ClassVar[str]
    family: ClassVar[str]
    severity: ClassVar[Severity]
    tier: ClassVar[Tier]
    reads: ClassVar[tuple[str, ...]]
    limits: ClassVar[Mapping[str, Limit]] = {}
    status: ClassVar[Status] = "stable"
    is_effect: ClassVar[tuple[Effect, ...]] = ()
    leads_to: ClassVar[tuple[Effect, ...]] = ()
    level: ClassVar[Level | None] = None

    def review(self, run: RunView) -> Iterator[Finding]:
        """Yields what is wrong; nothing for a run that is well or was not measured."""
        raise NotImplementedError

    def why_skipped(self, run: RunView) -> str | None:
        """Why this run can't be judged; None if it can."""
        measured = {signal for training in run.trainings for signal in training.signals}
        measured |= {event.kind for event in run.all_events}
        missing = [signal for signal in self.reads if signal not in measured]
        if not missing:
            return None
        reason = next((run.skipped[m] for m in missing if m in run.skipped), None)
        return reason or ABSENT.get(missing[0], f"{missing[0]} was not measured")

    @property
    def order(self) -> tuple[Level, int]:
        """Its place in the order of causation: level, and the rank of its first effect (or -1).

        The level follows from the family unless the class names another.
        """
        rank = min((effect.rank for effect in self.is_effect), default=-1)
        if self.level is not None:
            return self.level, rank
        return (Level.OUTCOME if self.is_effect else LEVELS.get(self.family, Level.MODEL)), rank

    def limit(self, name: str) -> float:
        """The value of one of this check's limits."""
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
            began=began,
            details=details,
        )


def _capped(severity: Severity, status: Status) -> Severity:
    """The severity of a finding; that of a check in preview is at most a warning."""
    return "warning" if status == "preview" and severity == "error" else severity
