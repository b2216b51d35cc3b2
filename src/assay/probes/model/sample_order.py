"""Probe: whether the answer for a sample depends on its place in the batch."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import torch
from torch.overrides import TorchFunctionMode

from ...replay.asking import Call, Inputs
from ...replay.measurement import Measurement, When
from ...replay.replays import Replays
from ...replay.structure import NotReplayable
from ...seams.callsite import is_user_file, site_of

ROWS_AT_LEAST = 4
MODELS_AT_MOST = 4
CHANGED = 0.01
"""Of the answers' spread, from where on the operation is looked for; rounding changes some 1e-6."""


class SampleOrder(Measurement):
    """How much the answers of a model change when the samples of a batch change places.

    Signal `sample_order_change` at place "": the median over samples of |f(x[p])[i] - f(x)[p[i]]|
    over the median distance of an answer from the mean answer; p is a permutation, and the model is
    in evaluation mode. Where samples are mixed, the event `samples_mixed` names the
    first operation of the forward pass whose result depends on the place.

    Of several models, each of the first four is asked about what it was given; the most counts.
    Asked only where it is known which dimension counts samples: that of the targets of a loss
    function of torch, where it is the first one of input and answer and no other is as long.
    Attention between samples changes with their order only as its answers do: where nothing else
    changes, and torch's attention was built for [time, batch], the second half of the samples is
    replaced by the first, and the answers of the first half are compared instead. An
    input of shape [time, features] may well be one sequence: where it has no other dimension (of
    words, time, pixels), only answers that do not change are recorded.
    """

    name, forwards = "sample_order", 3
    at: ClassVar = (When.FIRST_STEP, When.OPENING_END)

    def measure(self, replays: Replays) -> Iterator[tuple[str, str, Any]]:
        """Asks each of the models that the loss was computed by; the most of them counts."""
        changes, why = [], None
        for call in _one_of_each(replays.calls):
            try:
                with replays.about(call):
                    changes.append(self._asked(replays))
            except NotReplayable as error:
                why = error
            if changes and changes[-1] > CHANGED:
                break
        if not changes:
            raise why or NotReplayable(replays.why_not or "no model with weights was called")
        yield "sample_order_change", "", max(changes)

    def _asked(self, replays: Replays) -> float:
        """Asks a model twice, and twice more for the operation where samples are mixed."""
        rows = _rows(replays)
        order = torch.randperm(rows, generator=torch.Generator().manual_seed(0))
        moved = {
            path: given[order.to(given.device)]
            for path, given in replays.inputs.items()
            if given.dim() and len(given) == rows
        }
        if not replays.is_deterministic(mode=False):
            raise NotReplayable("the model draws random numbers, or keeps a state")
        plain = _answers(replays.output(mode=False), rows)
        change = self._compared(replays, plain, moved, order, rows)
        by = "order"
        if change <= CHANGED and _attends_to_the_second(replays.call.module):
            by, half = "company", torch.arange(rows) % (rows // 2)
            halved = {
                path: replays.inputs[path][half.to(given.device)] for path, given in moved.items()
            }
            halves = self._compared(replays, plain, halved, torch.arange(rows), rows // 2)
            if halves > CHANGED:
                change, moved, order = halves, halved, torch.arange(rows)
        if change > CHANGED and not any(_has_places(g, rows) for g in replays.inputs.values()):
            raise NotReplayable("it is not known which dimension of the input counts the samples")
        if change > CHANGED:
            self._find(replays, moved, order, by)
        return change

    @staticmethod
    def _compared(
        replays: Replays, plain: list[torch.Tensor], moved: Inputs, order: torch.Tensor, rows: int
    ) -> float:
        """Asks once more; the most that the first rows of an answer changed, of their spread."""
        others = _answers(replays.output(inputs=moved, mode=False), len(order))
        changes = [
            change
            for one, other in zip(plain, others, strict=True)
            if (change := _change(one[order.to(one.device)][:rows], other[:rows])) is not None
        ]
        if not changes:
            raise NotReplayable("all samples of the batch have the same answer")
        return max(changes)

    def _find(self, replays: Replays, moved: Inputs, order: torch.Tensor, by: str) -> None:
        first, second = (_Operations(len(order), replays.room // 2) for _ in range(2))
        replays.output(mode=False, within=first)
        replays.output(inputs=moved, mode=False, within=second)
        for one, other in zip(first.seen, second.seen, strict=False):
            if one.name != other.name or one.result.shape != other.result.shape:
                return
            if torch.equal(one.result, other.result):
                continue  # it depends on no sample
            rows = len(order) // 2 if by == "company" else len(order)
            before = one.result[order.to(one.result.device)]
            change = _change(before[:rows], other.result[:rows])
            if change is not None and change > CHANGED:
                self.watch.event_once(
                    "samples_mixed",
                    operation=one.name,
                    line=list(one.line) if one.line is not None else None,
                    inside=one.inside,
                    shape=one.shape,
                    by=by,
                )
                return


def _one_of_each(calls: Sequence[Call]) -> list[Call]:
    """Returns the first call of each of the first models."""
    first: dict[int, Call] = {}
    for call in calls:
        first.setdefault(id(call.module), call)
    return list(first.values())[:MODELS_AT_MOST]


def _rows(replays: Replays) -> int:
    """Returns how many samples the batch has."""
    rows = replays.samples
    if rows is None:
        raise NotReplayable("no loss function of torch was given one target for each sample")
    if rows < ROWS_AT_LEAST:
        raise NotReplayable(f"the batch has fewer than {ROWS_AT_LEAST} samples")
    inputs = list(replays.inputs.values())
    if not any(given.dim() and len(given) == rows for given in inputs):
        raise NotReplayable("it is not known which dimension of the input counts the samples")
    if any(rows in given.shape[1:] for given in inputs):
        raise NotReplayable("several dimensions of the input are as long as the batch")
    return rows


def _attends_to_the_second(model: torch.nn.Module) -> bool:
    """Whether an attention of torch in it takes the second dimension for that of the batch."""
    attention = (m for m in model.modules() if isinstance(m, torch.nn.MultiheadAttention))
    return any(not m.batch_first for m in attention)


def _has_places(given: torch.Tensor, rows: int) -> bool:
    """Whether each sample has words, points in time or pixels besides features."""
    least = 3 if given.is_floating_point() else 2
    return given.dim() >= least and len(given) == rows and given.shape[1] > 1


def _answers(made: list[torch.Tensor], rows: int) -> list[torch.Tensor]:
    """Returns the answers that are one per sample beyond doubt."""
    found = [one for one in made if _is_per_sample(one, rows) and one.dim() != 3]
    if not found:
        raise NotReplayable("the model's answers are not one for each sample")
    return found


def _is_per_sample(made: torch.Tensor, rows: int) -> bool:
    floating = made.is_floating_point() and made.dim() > 0
    return floating and len(made) == rows and rows not in made.shape[1:]


def _by_sample(made: torch.Tensor, rows: int) -> torch.Tensor | None:
    """Returns it with its dimension of samples first; None where it has none, or two may be it."""
    as_long = [at for at, size in enumerate(made.shape) if size == rows]
    if len(as_long) != 1 or not made.is_floating_point():
        return None
    (at,) = as_long
    return made.movedim(at, 0) if at == 0 or at < made.dim() - 1 else None


def _change(one: torch.Tensor, other: torch.Tensor) -> float | None:
    """Returns the median row's change, of the spread of rows; None where all rows are alike."""
    first = one.float().reshape(len(one), -1)
    spread = float((first - first.mean(0)).norm(dim=1).median())
    if not spread > 0:
        return None
    return float((first - other.float().reshape(len(other), -1)).norm(dim=1).median()) / spread


class _Operation:
    """One function of torch that was called: its name, its result (samples first), and where."""

    def __init__(self, name: str, shape: torch.Size, result: torch.Tensor) -> None:
        self.name, self.shape, self.result = name, list(shape), result
        self.line, self.inside = _where()


def _where() -> tuple[tuple[str, int, str] | None, str | None]:
    """Returns the user's line, and the class of torch's module that it called."""
    frame: Any = sys._getframe(3)
    inside = None
    while frame is not None:
        if is_user_file(frame.f_code.co_filename):
            return site_of(frame), inside
        owner = frame.f_locals.get("self")
        if isinstance(owner, torch.nn.Module):
            inside = type(owner).__name__
        frame = frame.f_back
    return None, inside


class _Operations(TorchFunctionMode):
    """Keeps the results that have a place for each sample, in order, within some bytes.

    That is their first dimension as long as the batch, or the one before the last that alone is.
    """

    def __init__(self, rows: int, room: int) -> None:
        super().__init__()
        self.seen: list[_Operation] = []
        self._rows, self._room = rows, room

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        first = result[0] if isinstance(result, tuple) and result else result
        rows = _by_sample(first, self._rows) if isinstance(first, torch.Tensor) else None
        if rows is not None:
            self._room -= rows.numel() * rows.element_size()
            if self._room >= 0:
                name = getattr(function, "__name__", "")
                self.seen.append(_Operation(name, first.shape, rows.detach().clone()))
        return result
