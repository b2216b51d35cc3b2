"""Which evaluations tell how a run did on data that it was not trained on."""

from __future__ import annotations

from collections.abc import Iterable

from ..journal.events import LOSS_HEAD, MODEL
from ..journal.series import EMPTY, Series
from ..journal.view import Evaluation, RunView, Training


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
