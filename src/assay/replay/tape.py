"""What torch computed between the first call of a model and its backward pass, to compute again.

The tape holds operations of torch, below autograd, and no code of the user's: played again, a
model that counts its calls is not called, hooks and prints do not happen, nothing is decided anew.
What Python may have decided on is a guard: where the program read a value out of a tensor
(`.item()`, `if`, `.tolist()`), the same value must be found again; results must keep their shapes.
What the program wrote into (running statistics, a batch changed in place) is played on a copy of
what was there before.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from time import perf_counter
from types import CodeType
from typing import Any

import torch

from ..seams.dispatch import DispatchMode
from ..seams.interpreting import interpreted
from ..seams.patch import past_own_frames
from .lines import Lines
from .operations import Operation, Slot, last_uses
from .operators import effects_of
from .structure import (
    PLAIN,
    NotReplayable,
    Result,
    is_weight,
    leaves,
    put_random_state,
    random_state,
    refuse_strange,
    size,
)

_BELOW_USER = __file__, torch._ops.__file__
"""Files of the frames that are there only because a mode is active."""

_EMPTY = frozenset(("aten::empty", "aten::empty_strided", "aten::empty_like", "aten::new_empty"))
"""Operations whose results torch itself may fill unseen, as with the lengths of a `ctc_loss`."""

OPERATIONS_AT_MOST = 10_000
"""A recurrent net written as a Python loop over 1,000 tokens has about so many."""

HELD_AT_MOST = 256 * 2**20
"""Data that may be held until the step is over, beside the first batch: a script that evaluates
with gradients on calls the model a thousand times before it steps."""

BYTES_AT_MOST = 64 * 2**20
"""Memory for copies: of what was changed in place and of values that were read, and for what is
left, of the results that a question compares. All of them go when the step is over."""


Kept = dict[int, tuple[torch.Tensor, int, torch.Tensor]]


class Tape(DispatchMode):
    """Records as a dispatch mode of torch, from `start` to `stop`; plays again by `play`.

    Tensors that the recorded operations made are known by weak references, so that no activation
    lives longer than it would. What they were given is held until the tape is dropped.

    Args:
        batch_bytes: size of the first batch, which is alive anyway.
        lines: takes the user's line of each operation.
        heard: are told of each operation, its arguments and its result.
    """

    def __init__(self, batch_bytes: int = 0, lines: Lines | None = None, heard: Any = ()) -> None:
        super().__init__()
        self._lines = lines
        self._heard = heard
        self.why: str | None = None
        self.seconds = 0.0
        self.given: dict[int, torch.Tensor] = {}
        self._versions: dict[int, int] = {}
        self._before: dict[int, torch.Tensor] = {}
        self._before_bytes = 0
        self._room = HELD_AT_MOST + batch_bytes
        self._operations: list[Operation] = []
        self._known: dict[int, tuple[weakref.ref[torch.Tensor], int]] = {}
        self._makers: dict[int, Operation] = {}
        self._storages: dict[int, list[int]] = {}
        self._slots = 0
        self._own_function: bool = False
        self._random = random_state()[:2]

    # -- recording --------------------------------------------------------------------------------

    def resume(self) -> None:
        """Goes on after a pause, unless there is nothing more to record."""
        if self.why is None:
            super().resume()

    def spoil(self, why: str) -> None:
        """Gives up: what follows is no longer recorded, what was is forgotten."""
        if self.why is None:
            self.why = why
            self.forget()

    def forget(self) -> None:
        """Drops everything that is held."""
        self.given, self._versions, self._before = {}, {}, {}
        self._operations, self._known, self._makers, self._storages = [], {}, {}, {}

    @interpreted
    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        call = getattr(function, "_op", function)
        node = None if self._lines is None else self._try(self._lines.note, function, args)
        operation = None
        if self.why is None:
            operation = self._try(self._operation, function, args, kwargs)
        if operation is not None:
            operation.node = node
        try:
            result = call(*args, **kwargs)
        except BaseException as error:  # what the user reads has no frames of ours
            error.__traceback__ = past_own_frames(error.__traceback__, *_BELOW_USER)
            raise
        if operation is not None:
            self._try(self._note_result, operation, result)
        for heard in self._heard:
            self._try(heard, function, args, result)
        return result

    def _try(self, note: Callable[..., Result], *facts: Any) -> Result | None:
        began = perf_counter()
        try:
            return note(*facts)
        except NotReplayable as why:
            self.spoil(str(why))
        except Exception as error:
            self.spoil(f"it can't be recorded ({type(error).__name__}: {error})")
        finally:
            self.seconds += perf_counter() - began
        return None

    def _operation(self, function: Any, args: Any, kwargs: Any) -> Operation | None:
        if getattr(function, "namespace", "") == "profiler":
            return None  # marks a region, computes nothing
        kind = effects_of(function)
        if kind.refused is not None:
            raise NotReplayable(f"the script uses {kind.refused}, of which nothing is known")
        if kind.generator is not None and kwargs.get(kind.generator) is not None:
            raise NotReplayable("the script draws from a random generator of its own")
        if len(self._operations) >= OPERATIONS_AT_MOST:
            raise NotReplayable(f"one step takes more than {OPERATIONS_AT_MOST} operations")
        written = {position for position, _ in kind.written}
        looks = getattr(function, "is_view", False)  # what is filled by and by is read later
        for position, value in enumerate(args):
            if position not in written and isinstance(value, torch.Tensor) and not looks:
                self._adopt_filled(value)
        operation = Operation(
            function,
            [self._spec(value) for value in args],
            {name: self._spec(value) for name, value in kwargs.items()},
            grad=torch.is_grad_enabled(),
        )
        for position, name in kind.written:
            value = args[position] if position < len(args) else kwargs.get(name)
            for tensor in value if isinstance(value, (list, tuple)) else (value,):
                if isinstance(tensor, torch.Tensor):
                    self._keep_before(tensor)
        return operation

    def _spec(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return Slot(self._slot(value))
        if type(value) in (list, tuple):
            return [self._spec(part) for part in value]
        return value

    def _slot(self, tensor: torch.Tensor) -> int:
        known = self._known.get(id(tensor))
        if known is None or known[0]() is not tensor:
            return self._take(tensor)
        maker = self._makers.get(known[1])
        if maker is not None and tensor.requires_grad:
            if maker.function is torch.ops.aten.detach.default:
                maker.differentiable = True
            elif not maker.grad:
                self._own_function = True
        return known[1]

    def _take(self, tensor: torch.Tensor) -> int:
        refuse_strange(tensor)
        storage = tensor.untyped_storage()._cdata
        sharing = self._storages.setdefault(storage, [])
        if any(slot in self._before for slot in sharing):
            raise NotReplayable("the script changes in place what several tensors share")
        if not is_weight(tensor):
            self._room -= size([tensor])
            if self._room < 0:
                raise NotReplayable(f"one step takes more than {HELD_AT_MOST >> 20} MiB of data")
        slot = self._new(tensor)
        sharing.append(slot)
        self.given[slot] = tensor
        self._versions[slot] = tensor._version
        return slot

    def _adopt_filled(self, tensor: torch.Tensor) -> None:
        """Takes for given what was made empty, and filled by no operation that was seen."""
        slot = self.slot(tensor)
        maker = None if slot is None else self._makers.get(slot)
        if slot is None or maker is None or tensor._version or slot in self.given:
            return
        if getattr(getattr(maker.function, "_schema", None), "name", "") in _EMPTY:
            self._afford([tensor])
            self.given[slot], self._versions[slot] = tensor, tensor._version
            maker.made = [made for made in maker.made if made[1] != slot]

    def _new(self, tensor: torch.Tensor) -> int:
        slot = self._slots
        self._slots += 1
        self._known[id(tensor)] = weakref.ref(tensor), slot
        return slot

    def _keep_before(self, tensor: torch.Tensor) -> None:
        sharing = self._storages.get(tensor.untyped_storage()._cdata, ())
        for slot in sharing:
            if slot in self._before:
                continue
            held = self.given[slot]
            if len(sharing) > 1:
                raise NotReplayable("the script changes in place what several tensors share")
            if is_weight(held):
                raise NotReplayable("the forward pass writes into the weights")
            self._afford([held])
            self._before[slot] = held.detach().clone()

    def _afford(self, tensors: list[torch.Tensor]) -> None:
        self._before_bytes += size(tensors)
        if self._before_bytes > BYTES_AT_MOST:
            raise NotReplayable(
                f"what is changed in place takes more than {BYTES_AT_MOST >> 20} MiB"
            )

    def _note_result(self, operation: Operation, result: Any) -> None:
        for path, value in leaves(result):
            if isinstance(value, torch.Tensor):
                if type(value) not in PLAIN:
                    raise NotReplayable(f"a tensor is a {type(value).__name__}")
                known = self._known.get(id(value))
                slot = known[1] if known and known[0]() is value else self._new(value)
                self._makers.setdefault(slot, operation)
                operation.made.append((path, slot, value.shape, value.dtype))
            elif value is not None:
                operation.found.append((path, value))
        self._operations.append(operation)

    def values_read(self, tensor: Any) -> None:
        """Notes that the program took all values out of a tensor: they must be the same again."""
        if not self.active:
            return  # a listener of ours did
        if self.why is None and isinstance(tensor, torch.Tensor) and tensor.layout is torch.strided:
            self.pause()
            self._try(self._note_values, tensor)
            self.resume()

    def _note_values(self, tensor: torch.Tensor) -> None:
        operation = Operation(None, [Slot(self._slot(tensor))], {}, grad=False)
        self._afford([tensor])
        operation.found.append(((), tensor.detach().clone()))
        self._operations.append(operation)

    def weights(self) -> dict[int, torch.Tensor]:
        """Returns by number what was given and is changed by steps."""
        return {slot: held for slot, held in self.given.items() if is_weight(held)}

    def keep(self, known: Kept) -> Kept:
        """Takes copies of the data, so that it may be played when they have changed.

        Args:
            known: copies that the last tape has taken.

        Returns:
            Those of this one, by identity: of what, in which version, the copy.
        """
        taken: Kept = {}
        for slot, held in self.given.items():
            if is_weight(held) or slot in self._before:
                continue
            copy = taken.get(id(held)) or known.get(id(held))
            if copy is None or copy[0] is not held or copy[1] != held._version:
                copy = held, held._version, held.detach().clone()
            taken[id(held)] = copy
            self.given[slot], self._versions[slot] = copy[2], copy[2]._version
        return taken

    @property
    def room(self) -> int:
        """Bytes of copies that may still be taken."""
        return BYTES_AT_MOST - self._before_bytes

    @property
    def length(self) -> int:
        """Operations recorded so far."""
        return len(self._operations)

    @property
    def operations(self) -> Sequence[Operation]:
        """What was recorded, in order."""
        return self._operations

    def line(self, operation: Operation) -> tuple[CodeType, int] | None:
        """Returns code and instruction of the user's line that a recorded operation is from."""
        return None if self._lines is None else self._lines.of(operation)

    def slot(self, tensor: Any) -> int | None:
        """Returns the number by which the tape knows a tensor; None if it doesn't."""
        known = self._known.get(id(tensor))
        return known[1] if known is not None and known[0]() is tensor else None

    # -- playing ----------------------------------------------------------------------------------

    def play(
        self,
        wanted: list[int],
        replaced: dict[int, torch.Tensor] | None = None,
        *,
        grad: bool = False,
        first: int = 0,
        still: bool = False,
        whole: bool = False,
        each: Callable[[Operation, dict[int, torch.Tensor]], None] | None = None,
    ) -> list[torch.Tensor]:
        """Computes tensors again, with the weights as they are now.

        Args:
            wanted: numbers of the tensors to return.
            replaced: by number, tensors to take for those that were recorded, of the same shape
                and type; those of weights come from the caller as well where gradients are wanted.
            grad: whether the results are to have a graph.
            first: where to begin.
            still: see `Operation.play`.
            whole: see `Operation.play`.
            each: is called after each operation, with it and the values that are still needed.

        Raises:
            NotReplayable: what was found on the way is not what the program found.
        """
        replaced = replaced or {}
        if self.why is not None:
            raise NotReplayable(self.why)
        if grad and self._own_function:
            raise NotReplayable("the model has a torch.autograd.Function of its own")
        self._check_given(replaced)
        last, until = last_uses(self._operations, wanted)
        values: dict[int, torch.Tensor] = {**self.given, **replaced}
        for slot, before in self._before.items():
            values[slot] = replaced.get(slot, before).clone()
        if not first:
            put_random_state([*self._random, None, None])
        for index, operation in enumerate(self._operations[first:until], first):
            operation.play(values, grad=grad, still=still, whole=whole)
            if each is not None:
                each(operation, values)
            for slot in last.get(index, ()):
                values.pop(slot, None)
        return [values[slot] for slot in wanted]

    def _check_given(self, replaced: dict[int, torch.Tensor]) -> None:
        for slot, tensor in self.given.items():
            if slot in replaced:
                if replaced[slot].shape != tensor.shape or replaced[slot].dtype != tensor.dtype:
                    raise NotReplayable("what is given has another shape or type")
            elif slot in self._before or is_weight(tensor):
                continue
            elif tensor._version != self._versions[slot]:
                raise NotReplayable("the batch was changed in place since")
