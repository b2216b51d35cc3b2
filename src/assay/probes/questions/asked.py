"""One step that is asked: what its models were given, its loss, and where an answer changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from ...replay.operations import Operation
from ...replay.replays import Replays
from ...replay.scored import Scored
from ...replay.structure import NotReplayable, Path
from ...seams.callsite import line_at

SHAPES_ONLY = ("_like", "new_zeros", "new_ones", "new_empty", "new_full")
"""Ends of the names of operations that take the shape of a tensor, and no number of it."""

Each = Callable[[Operation, dict[int, torch.Tensor]], None]
"""Is called after each operation that is computed again."""

Changes = list[tuple[torch.Tensor, torch.Tensor]]
"""Pairs of a tensor that a model was given and the one that takes its place."""


class Asked:
    """What all questions share: the answers as they were are computed once.

    Args:
        replays: the service that computes the step again.
        watch: takes what is found.
    """

    def __init__(self, replays: Replays, watch: Any) -> None:
        self.replays, self.watch = replays, watch
        self._plain: dict[int, torch.Tensor] = {}

    @property
    def given(self) -> dict[Path, torch.Tensor]:
        """What models were given, by number of the call and path; each tensor once."""
        seen: dict[int, tuple[Path, torch.Tensor]] = {}
        for index, call in enumerate(self.replays.calls):
            for path, tensor in call.inputs.items():
                seen.setdefault(id(tensor), ((index, *path), tensor))
        return dict(seen.values())

    @property
    def scored(self) -> list[Scored]:
        """The calls of loss functions of torch."""
        return self.replays.scored

    def plain(self, *numbers: int) -> list[torch.Tensor]:
        """Returns recorded tensors as they were: the loss, all scores and their targets at once."""
        if not self._plain:
            known = [self.replays.loss_number]
            for call in self.scored:
                known += [call.input, call.target]
            self._plain = dict(zip(known, self.changed([], *known), strict=True))
        return [self._plain[number] for number in numbers]

    def changed(
        self, changes: Changes, *numbers: int, each: Each | None = None
    ) -> list[torch.Tensor]:
        """Returns recorded tensors as they are when something else is given.

        Args:
            changes: pairs of a tensor that was given and the one to take for it.
            numbers: of the tensors that are wanted.
            each: see `Tape.play`.

        Raises:
            NotReplayable: why they can't be computed.
        """
        tape = self.replays.tape
        replaced = {tape.slot(one): other for one, other in changes}
        known = {number: new for number, new in replaced.items() if number is not None}
        return self.replays.undisturbed(
            lambda: tape.play(list(numbers), known, still=True, whole=True, each=each)
        )

    def without_dropout(self) -> float:
        """Returns the loss of the step if dropout had kept every element, and no more."""
        tape, number = self.replays.tape, self.replays.loss_number
        (loss,) = self.replays.undisturbed(lambda: tape.play([number], whole=True))
        return float(loss)

    def first(
        self, changes: Changes, wanted: int, differs: Differs, each: Each | None = None
    ) -> Operation | None:
        """Returns the first operation whose result differs in a place that it should not.

        A difference that is gone where its results are put together was in a place of its own: the
        steps of a recurrent net through padding are no part of what it says of real places.
        """
        room = self.replays.room // 2
        one, other = Results(differs, room), Results(differs, room, each)
        self.changed([], wanted, each=one)
        self.changed(changes, wanted, each=other)
        found: Operation | None = None
        behind: set[int] = set()
        for (operation, before), (_, after) in zip(one.seen, other.seen, strict=True):
            follows = not behind.isdisjoint(operation.needs())
            if before is not None and after is not None:
                least = 1e-4 * float(before.abs().max())
                differs_here = float((before - after).abs().max()) > least
                if found is None and differs_here:
                    found = operation
                elif follows and not differs_here and operation.name in ("stack", "cat"):
                    found, behind, follows = None, set(), False
            if found is operation or follows:
                behind.update(slot for _, slot, _, _ in operation.made)
        return found

    def line(self, operation: Operation) -> list[Any] | None:
        """Returns the user's line that computed an operation."""
        found = self.replays.lines.of(operation)
        return None if found is None else list(line_at(*found))


class Differs:
    """Says which part of an operation's result is compared."""

    def __call__(self, result: torch.Tensor) -> torch.Tensor | None:
        """Returns the part; None for a result that says nothing."""
        raise NotImplementedError


class Results:
    """Keeps a part of each operation's first result, as the tape is played, within some bytes."""

    def __init__(self, part: Differs, room: int, before: Each | None = None) -> None:
        self.seen: list[tuple[Operation, torch.Tensor | None]] = []
        self._part, self._before, self._room = part, before, room

    def __call__(self, operation: Operation, values: dict[int, torch.Tensor]) -> None:
        """Takes the result of one operation."""
        if self._before is not None:
            self._before(operation, values)
        result = values.get(operation.made[0][1]) if operation.made else None
        kept = None
        if "empty" in operation.name or operation.name == "detach":
            result = None  # whatever the memory held; what another has computed
        if result is not None and result.is_floating_point():
            part = self._part(result)
            if part is not None and part.numel():
                self._room -= part.numel() * 4
                kept = part.detach().float().clone() if self._room >= 0 else None
        self.seen.append((operation, kept))


class NothingToAsk(NotReplayable):
    """What a question is about is not in this step: nobody failed to look."""


def refuse(why: str) -> NothingToAsk:
    """Returns what a question raises that can't be asked of this step."""
    return NothingToAsk(why)
