"""The check `eval-mode-in-training`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...journal.events import EVALUATED, MODE_SWITCH, ModeSwitch
from ...journal.view import Event, RunView, Training
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where
from ..requirements import Samples


class EvalModeInTraining(Check):
    """Training goes on in evaluation mode: nobody switched back after an evaluation.

    ## What it does
    Looks at the mode of every module that computes something else in training (dropout, batch
    norm, recurrent and attention layers with dropout) at each sampled step. It speaks when all of
    them stay in evaluation mode to the end of the run, and the call of `eval()` that put them
    there was for an evaluation: what followed it, before the next step, was computed without
    gradients.

    ## Why it matters
    Dropout no longer regularises, and batch norm normalises with running averages that it no longer
    updates: they fit less and less to weights that move on.

    ## Evidence
    Exact: the modes themselves (`eval_share` of 1) and the line that switched them. An error if
    there were steps in training mode before; a warning if all steps were taken in evaluation mode.

    ## Known exceptions
    Silent: batch norm alone in evaluation mode (a fine-tuning practice), frozen backbones, a model
    put into evaluation mode for training without an evaluation in between, models whose modules
    compute the same in both modes.

    ## Example
    `evaluate()` calls `model.eval()`; the training loop called `model.train()` only once, before
    its first epoch.

    ## What to try
    Call `model.train()` at the start of each epoch, or after each evaluation.

    ## References
    PyTorch documentation, `torch.nn.Module.eval`.
    """

    name = "eval-mode-in-training"
    family = "model"
    severity = "error"
    tier = "exact"
    needs = ("eval_share",)
    reads = ("eval_share", "evaluation_loss", "mode_switch", "evaluated")
    requires = (Samples(("eval_share",)),)
    leads_to = {
        Effect.EXPLODING: "batch norm with fixed statistics holds nothing in its range",
        Effect.RATE_TOO_HIGH: "without the batch's own statistics the loss surface is steeper",
        Effect.VANISHING: "batch norm with fixed statistics holds no gradient in its range",
        Effect.NOT_FINITE: "activations that nothing normalises grow until they overflow",
        Effect.NOT_LEARNING: "what batch norm keeps in range is not, and steps do harm",
    }
    limits = {
        "samples": Limit(3, "steps", "ours: one step after the last evaluation proves no habit"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        switches = list(run.events(MODE_SWITCH))
        for training in self.judgeable(run):
            for place in training.places("eval_share"):
                finding = self._review(run, training, place, switches)
                if finding is not None:
                    yield finding

    def _review(
        self, run: RunView, training: Training, place: str, switches: list[Event[ModeSwitch]]
    ) -> Finding | None:
        samples = list(training.series("eval_share", place))
        first = len(samples)
        while first and samples[first - 1][1] == 1.0:
            first -= 1
        stuck, before = samples[first:], samples[:first]
        if len(stuck) < self.limit("samples"):
            return None
        begin = stuck[0][0]
        own = [e for e in switches if e.data["owner"] == place] or switches
        # steps of an event are those of the training that was under way, maybe an earlier one
        at = training.began + begin
        until = [e for e in own if _is_before(e, begin, at)]
        switch = until[-1] if until else None
        if switch is None or switch.data["training"] or not self._evaluated(run, switch, begin, at):
            return None
        began = "" if before else " from the first step on"
        return self.found(
            f"{place} was trained in evaluation mode{began}: all {len(stuck)} sampled steps from "
            f"step {begin} to the end, after eval() was called for an evaluation",
            "dropout is off, and batch norm uses running averages that are no longer updated",
            try_=("call model.train() after each evaluation, at the start of each epoch",),
            where=Where(site=switch.site, module=place),
            steps=(begin, stuck[-1][0]),
            evidence=(Evidence("eval_share", 1.0, 1.0, "share", place),),
            tricks=(Remedy("train-mode"),),
            severity="error" if before else "warning",
            training=training,
            began=(switch.step, begin),
        )

    @staticmethod
    def _evaluated(run: RunView, switch: Event[ModeSwitch], begin: int, at: int) -> bool:
        """Whether something was computed without gradients between the switch and the next step.

        Where the switch lies in an earlier training, only losses count: a region without gradients
        may be a frozen part of the next one.
        """
        if switch.step > begin:
            return any(
                switch.iteration <= earlier.began + step <= at
                for earlier in run.trainings
                for step in _evaluated_at(earlier)
            )
        if not switch.data["grad"]:
            return True
        if any(switch.step <= e.step <= begin for e in run.events(EVALUATED)):
            return True
        return any(
            switch.step <= step <= begin
            for training in run.trainings
            for step in _evaluated_at(training)
        )


def _evaluated_at(training: Training) -> list[int]:
    """Returns the steps that losses with gradients off came after."""
    places = training.places("evaluation_loss")
    return [step for place in places for step in training.series("evaluation_loss", place).steps]


def _is_before(event: Event[Any], step: int, iteration: int) -> bool:
    return event.step <= step or 0 < event.iteration <= iteration
