"""Parent side: steps that a GradScaler skipped, and tried again under the same number."""

from __future__ import annotations

from typing import Any

from .view import Training


class Attempts:
    """What was measured of skipped steps, until it is measured again."""

    def __init__(self) -> None:
        self._last: dict[int, tuple[int, dict[str, Any]]] = {}

    def replace(self, training: Training, step: int, line: dict[str, Any]) -> None:
        """Takes the numbers of an earlier attempt at this step back where a sample has new ones.

        Args:
            training: That the sample belongs to.
            step: The sample's.
            line: The sample, as the journal has it.
        """
        at, before = self._last.get(training.index, (-1, {}))
        again = before.keys() & line["v"].keys() if at == step else set()
        for signal in again:
            for place in before[signal].keys() & line["v"][signal].keys():
                series = training.signals[signal][place]
                series.steps.pop()
                series.values.pop()
        if line.get("skipped"):
            self._last[training.index] = step, line["v"]
        elif again:
            del self._last[training.index]
