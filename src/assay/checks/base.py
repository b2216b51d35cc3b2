"""What a check is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ..journal.view import RunView
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
    "step_quality": "no step could be judged by a second look at its batch",
}
"""What it means that a signal is missing, in the words of the person who trains."""


class Check:
    """A pure function from a run to findings. The class docstring is its page.

    A subclass names the illness (read it as "assay allows ..."), lists the signals it reads and
    every limit it compares with. `explains` names the checks whose findings are symptoms once this
    one has found something. A check whose `status` is preview is shown, but its findings are never
    errors, fail no pipeline and ask `assay fix` for nothing.
    """

    name: ClassVar[str]
    family: ClassVar[str]
    severity: ClassVar[Severity]
    tier: ClassVar[Tier]
    reads: ClassVar[tuple[str, ...]]
    limits: ClassVar[Mapping[str, Limit]] = {}
    status: ClassVar[Status] = "stable"
    explains: ClassVar[tuple[str, ...]] = ()

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
        rank: int = 0,
        **details: Any,
    ) -> Finding:
        """A finding of this check."""
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
            rank=rank,
            details=details,
        )


def _capped(severity: Severity, status: Status) -> Severity:
    """The severity of a finding; that of a check in preview is at most a warning."""
    return "warning" if status == "preview" and severity == "error" else severity
