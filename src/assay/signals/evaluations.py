"""Which evaluations tell how a run did on data that it was not trained on."""

from __future__ import annotations

from collections.abc import Iterable

from ..journal.series import EMPTY, Series
from ..journal.view import Evaluation, Training


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
