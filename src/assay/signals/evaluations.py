"""Which evaluations tell how a run did on data that it was not trained on."""

from __future__ import annotations

from collections.abc import Iterable

from ..journal.view import Evaluation, Training


def main_evaluations(trainings: Iterable[Training]) -> list[Evaluation]:
    """Returns those by the loss function used most often, by the first of them in a draw."""
    by_function: dict[str, list[Evaluation]] = {}
    for training in trainings:
        for evaluation in training.evaluations:
            by_function.setdefault(evaluation.function, []).append(evaluation)
    return max(by_function.values(), key=len, default=[])
