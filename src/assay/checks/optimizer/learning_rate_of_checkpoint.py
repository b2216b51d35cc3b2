"""The check `learning-rate-of-checkpoint`."""

from __future__ import annotations

from collections.abc import Iterator
from math import isclose

from ...journal.events import LOAD_STATE, LoadState
from ...journal.view import RunView, Training
from ..base import Check, Limit
from ..finding import Evidence, Finding, Remedy, Where


class LearningRateOfCheckpoint(Check):
    """The optimizer was built with a new learning rate, and a checkpoint put the old one back.

    ## What it does
    Before and after `optimizer.load_state_dict`, and in what it is given, assay reads the learning
    rate, and the one that was asked for: before any scheduler changed it (`initial_lr`).

    ## Why it matters
    The state of an optimizer holds its settings too. A lower rate for fine-tuning, written in the
    line that builds the optimizer, is overwritten in silence.

    ## Evidence
    Exact. `learning_rate` of the first step is that of the checkpoint, though another was asked
    for.

    ## Known exceptions
    Silent: a rate that a scheduler had lowered before the checkpoint was saved; a rate that was not
    given, or is the default of its class; a rate that is set after the load. A rate that is lower
    than the one asked for may have been lowered by hand, and is a note.

    ## Example
    `optimizer = Adam(model.parameters(), lr=1e-5)`, and then
    `optimizer.load_state_dict(checkpoint["optimizer"])`, saved at a rate of 1e-3.

    ## What to try
    Set `group["lr"]` (and `group["initial_lr"]`, where there is a scheduler) after the load, or do
    not load the optimizer's state.

    ## References
    PyTorch documentation, `torch.optim.Optimizer.load_state_dict`.
    """

    name = "learning-rate-of-checkpoint"
    family = "optimizer"
    severity = "warning"
    tier = "exact"
    needs = ("learning_rate",)
    reads = ("load_state", "learning_rate")
    limits = {"difference": Limit(1e-6, "of the rate", "definition: the same rate, rounded")}

    def review(self, run: RunView) -> Iterator[Finding]:
        loads = {
            (e.process, e.data["built"]): e
            for e in run.events(LOAD_STATE)
            if e.data.get("kind") == "optimizer" and e.data.get("built") is not None
        }
        for training in run.trainings:
            event = loads.get(
                (training.process, training.built if training.built is not None else -1)
            )
            if event is None or event.iteration > training.began:
                continue  # rolled back in the midst of its training
            for group, (asked, took, sure) in self._overridden(event.data, training).items():
                yield self.found(
                    f"{training} was built with a learning rate of {asked:.3g}, but took its first "
                    f"step at {took:.3g}: the state that it loaded brought its own",
                    "the rate that the script asks for is never used",
                    try_=("set the rate after optimizer.load_state_dict",),
                    where=Where(site=event.site, group=group or None),
                    steps=(0, 0),
                    evidence=(Evidence("learning_rate", took, asked, place=f"group {group}"),),
                    tricks=(Remedy("lr", f"{asked:.6g}"),),
                    severity=None if sure else "note",
                    training=training,
                )
                break

    def _overridden(
        self, data: LoadState, training: Training
    ) -> dict[int, tuple[float, float, bool]]:
        """Returns the rate that was asked for, the one taken, and whether that is wrong for sure.

        A lower one may have been lowered by hand before the checkpoint was saved.
        """
        found = {}
        rows = zip(
            data["asked_before"], data["asked_given"], data["rates_before"], data["rates_given"],
            strict=False,
        )  # fmt: skip
        for group, (asked, asked_then, before, given) in enumerate(rows):
            took = training.series("learning_rate", f"group {group}").first
            scheduled = not self._same(asked_then, given)
            if (
                not self._same(asked, asked_then)
                and not (data["default_rate"] and self._same(asked, data["default_rate"]))
                and self._same(took, given)
                and not self._same(before, given)
            ):
                found[group] = asked, took, given > before or scheduled
        return found

    def _same(self, one: float, other: float) -> bool:
        return isclose(one, other, rel_tol=self.limit("difference"))
