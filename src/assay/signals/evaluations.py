"""Which evaluations tell how a run did on data that it was not trained on."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean
from typing import NamedTuple

from ..journal.events import LOSS_HEAD, MODEL
from ..journal.series import EMPTY, Series
from ..journal.view import Evaluation, RunView, Training


class Course(NamedTuple):
    """How a held-out loss went: the place `at` of its `lowest` value, and the mean of its end."""

    at: int
    lowest: float
    end: float


def course(held: Series) -> Course | None:
    """Returns how a finite held-out loss went; None where it was not always above 0, or is empty.

    Its end is the last tenth of the evaluations, one at least.
    """
    losses = list(held.values)
    if not losses or not min(losses) > 0:
        return None
    lowest = min(losses)
    return Course(losses.index(lowest), lowest, fmean(losses[-max(len(losses) // 10, 1) :]))


def main_evaluations(trainings: Iterable[Training]) -> list[Evaluation]:
    """Returns those by the loss function used most often, by the first of them in a draw."""
    by_function: dict[str, list[Evaluation]] = {}
    for training in trainings:
        for evaluation in training.evaluations:
            by_function.setdefault(evaluation.function, []).append(evaluation)
    return max(by_function.values(), key=len, default=[])


def held_out_loss(training: Training) -> Series:
    """Returns the losses by the function used most often in evaluations; empty without any."""
    places = training.places("evaluation_loss")
    every = [training.series("evaluation_loss", place) for place in places]
    return max(every, key=len, default=EMPTY)


def losses_without_gradients(training: Training) -> set[int]:
    """Returns the steps after which the script took a loss without gradients."""
    places = training.places("evaluation_loss")
    return {step for place in places for step in training.series("evaluation_loss", place).steps}


def is_judged(run: RunView, prefix: str) -> bool:
    """Returns whether training's loss is given what this model answers: it is no generator's.

    Args:
        run: What was recorded.
        prefix: What stands before the names of the model's parameters: "" for the first model.
    """
    others = [f"{e.data['root']}." for e in run.events(MODEL)][1:]
    for event in run.events(LOSS_HEAD):
        name = event.data["parameter"]
        if name.startswith(prefix or tuple(others)) is bool(prefix):
            return True
    return False


def is_evaluated(training: Training) -> bool:
    """Returns whether the script has evaluated a model in evaluation mode."""
    return any(
        0.0 in training.series("eval_training_share", place).values
        for place in training.places("eval_training_share")
    )
