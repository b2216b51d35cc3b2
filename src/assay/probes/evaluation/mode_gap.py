"""Probe: the loss of one batch in both modes, with the same weights."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, ClassVar

import torch
from torch.overrides import TorchFunctionMode

from ...replay.measurement import Measurement, When
from ...replay.replays import Replays
from ...seams.callsite import is_user_file, site_of

WORTH_A_LINE = 1.25
"""Loss in evaluation mode over that in training mode, from where on the line is looked for."""
SIZE_CHANGED = 1.2
"""Mean absolute value of a result in one mode over that in the other. Dropout that scales keeps it;
of the normal numbers of 1,000 features dropout changes it by some 3 %."""
OPERATIONS_AT_MOST = 4096

Key = tuple[str, tuple[str, int, str] | None, str | None]


class ModeGap(Measurement):
    """Asks for a step's loss once more, with the model in evaluation mode.

    Signals at place "": `loss_in_training_mode`, the loss that the script computed, and
    `loss_in_evaluation_mode`, that of the same batch and the same weights in evaluation mode. What
    lies between them comes from the mode alone. Where the second one is much higher, the event
    `mode_gap` names the line that the modes part at: the last operation that only training has,
    else the first that only evaluation has, else the first whose result is of another size.
    """

    name, forwards = "mode_gap", 1.0
    at: ClassVar = (When.OPENING_END, When.RARELY)

    def measure(self, replays: Replays) -> Iterator[tuple[str, str, Any]]:
        """Asks once, and twice more for the line."""
        in_evaluation = replays.loss(mode=False)
        recorded = replays.recorded
        if recorded is None:
            return
        yield "loss_in_training_mode", "", recorded
        yield "loss_in_evaluation_mode", "", in_evaluation
        if float(in_evaluation) > WORTH_A_LINE * float(recorded) > 0:
            self._find(replays)

    def _find(self, replays: Replays) -> None:
        training, evaluation = _Operations(), _Operations()
        replays.output(within=training)
        replays.output(mode=False, within=evaluation)
        found = _parting(training.seen, evaluation.seen)
        if found is not None:
            (operation, line, inside), mode = found
            self.watch.event_once(
                "mode_gap", operation, line,
                operation=operation,
                line=list(line) if line is not None else None,
                inside=inside,
                only=mode,
            )  # fmt: skip


def _parting(
    training: list[tuple[Key, torch.Tensor]], evaluation: list[tuple[Key, torch.Tensor]]
) -> tuple[Key, str | None] | None:
    """Returns the operation at which the modes part, and the one mode that has it."""
    here, there = {key for key, _ in training}, {key for key, _ in evaluation}
    own = [key for key, _ in training if key not in there and key[2] is None]
    if own:
        return own[-1], "training"
    other = [key for key, _ in evaluation if key not in here and key[2] is None]
    if other:
        return other[0], "evaluation"
    if [key for key, _ in training] != [key for key, _ in evaluation]:
        return None
    for (key, one), (_, two) in zip(training, evaluation, strict=True):
        sizes = sorted((float(one), float(two)))
        if sizes[1] > SIZE_CHANGED * sizes[0]:
            return key, None
    return None


class _Operations(TorchFunctionMode):
    """Notes each operation on floating-point numbers: name, line, and mean absolute result."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[Key, torch.Tensor]] = []

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        first = result[0] if isinstance(result, tuple) and result else result
        if (
            isinstance(first, torch.Tensor)
            and first.is_floating_point()
            and first.dim()
            and len(self.seen) < OPERATIONS_AT_MOST
        ):
            line, inside = _where()
            key = getattr(function, "__name__", ""), line, inside
            self.seen.append((key, first.detach().abs().mean()))
        return result


def _where() -> tuple[tuple[str, int, str] | None, str | None]:
    """Returns the user's line, and the class of torch's module that it called."""
    frame: Any = sys._getframe(2)
    inside = None
    while frame is not None:
        if is_user_file(frame.f_code.co_filename):
            return site_of(frame), inside
        owner = frame.f_locals.get("self")
        if isinstance(owner, torch.nn.Module) and not isinstance(owner, torch.nn.Sequential):
            inside = inside or type(owner).__name__
        frame = frame.f_back
    return None, inside
