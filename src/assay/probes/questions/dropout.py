"""Question: how much of a step's loss is due to dropout?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from ...replay.operations import Operation
from .asked import Asked, refuse

HIGH = 0.7
"""Share of dropped elements from where on the line is noted."""


def dropout_gap(asked: Asked) -> Iterator[tuple[str, str, Any]]:
    """Yields the highest share that dropout drops, and the part of the loss that goes without it.

    The step is computed again with every element kept; batch norm stays as it was. The part is 1
    minus the loss without dropout over that with it. What is dropped of a batch as it is given is
    no dropout of units: who corrupts inputs means to.
    """
    tape = asked.replays.tape
    dropped, of = [], dict[int, int]()
    for operation in tape.operations:
        needs = operation.needs()
        if operation.name == "empty_like" and operation.made:
            of[operation.made[0][1]] = needs[0]
        share = _share(operation)
        if share is not None and of.get(needs[0], needs[0]) not in tape.given:
            dropped.append((share, operation))
    if not dropped:
        raise refuse("no dropout was computed, or only that of inputs")
    share, operation = max(dropped, key=lambda found: found[0])
    yield "dropout_share", "", share
    if share >= HIGH:
        asked.watch.event_once(
            "dropout_high", round(share, 6), share=share, line=asked.line(operation)
        )
    loss = asked.replays.recorded
    if loss is not None and float(loss) > 0:
        yield "dropout_gap", "", 1 - asked.without_dropout() / float(loss)


def _share(operation: Operation) -> float | None:
    """Returns the share of elements that an operation of dropout drops."""
    args = operation.args
    if operation.name == "native_dropout":
        return float(args[1]) if args[2] else None
    if operation.function is torch.ops.aten.bernoulli_.float:  # draws which ones it keeps
        return 1 - (args[1] if len(args) > 1 else 0.5)
    return None
