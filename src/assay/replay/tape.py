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
from threading import get_ident
from time import perf_counter
from typing import Any, NamedTuple

import torch

from ..seams.interpreting import interpreted
from ..seams.recording import OURS
from .structure import NotReplayable, Path, follow, leaves, put_random_state, random_state, size

OPERATIONS_AT_MOST = 10_000
"""A recurrent net written as a Python loop over 1,000 tokens has about so many."""

BYTES_AT_MOST = 64 * 2**20
"""Memory for copies that are kept of what was changed in place, and of values that were read."""

_SPACES = {"aten", "prim", "prims", "torchvision"}
"""Operators whose schemas tell truly what they write into. Others are refused."""

_REFUSED = {"set_", "record_stream", "resize_", "_resize_output_", "resize_as_"}
_STATISTICS = {"running_mean", "running_var"}
"""Written by normalisation, whose schema does not say so."""

_PLAIN = (torch.Tensor, torch.nn.Parameter)


class _Slot:
    """Stands for a tensor among the arguments of a recorded operation."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


class _Entry:
    """One operation: what was called, where its arguments come from, what it must give."""

    __slots__ = ("args", "differentiable", "found", "function", "grad", "kwargs", "made")

    def __init__(self, function: Any, args: Any, kwargs: Any, *, grad: bool) -> None:
        self.function, self.args, self.kwargs, self.grad = function, args, kwargs, grad
        self.made: list[tuple[Path, int, torch.Size, torch.dtype]] = []
        self.found: list[tuple[Path, Any]] = []
        self.differentiable = False  # a detach of torch's own that cuts no gradient

    def needs(self) -> list[int]:
        """Returns the numbers of the tensors among the arguments."""
        parts = (part for _, part in leaves((self.args, list(self.kwargs.values()))))
        return [part.number for part in parts if isinstance(part, _Slot)]


class _Kind(NamedTuple):
    """What is known of an operator from its schema."""

    refused: str | None
    written: tuple[tuple[int, str], ...]  # position and name of arguments that it writes into
    generator: str | None  # name of the argument that is a random generator


_kinds: dict[Any, _Kind] = {}


def _kind(function: Any) -> _Kind:
    known = _kinds.get(function)
    if known is None:
        known = _kinds[function] = _read_schema(function)
    return known


def _read_schema(function: Any) -> _Kind:
    schema = getattr(function, "_schema", None)
    if schema is None:
        return _Kind("a higher-order operator", (), None)
    space, name = schema.name.split("::")
    refused = None
    if space not in _SPACES or name in _REFUSED:
        refused = f"the operator {schema.name}"
    written = tuple(
        (position, argument.name)
        for position, argument in enumerate(schema.arguments)
        if (argument.alias_info is not None and argument.alias_info.is_write)
        or argument.name in _STATISTICS
    )
    generators = [a.name for a in schema.arguments if "Generator" in str(a.type)]
    return _Kind(refused, written, generators[0] if generators else None)


class Tape:
    """Records as a dispatch mode of torch, from `start` to `stop`; plays again by `play`.

    Tensors that the recorded operations made are known by weak references, so that no activation
    lives longer than it would. What they were given is held until the tape is dropped.
    """

    supports_higher_order_operators = True  # else torch would refuse the user's

    def __init__(self) -> None:
        self.why: str | None = None
        self.seconds = 0.0
        self.given: dict[int, torch.Tensor] = {}
        self._versions: dict[int, int] = {}
        self._before: dict[int, torch.Tensor] = {}
        self._before_bytes = 0
        self._entries: list[_Entry] = []
        self._known: dict[int, tuple[weakref.ref[torch.Tensor], int]] = {}
        self._makers: dict[int, _Entry] = {}
        self._storages: dict[int, list[int]] = {}
        self._slots = 0
        self._own_function: bool = False
        self._random = random_state()[:2]
        self._thread = get_ident()
        self._on = self._ended = False

    @staticmethod
    def is_infra_mode() -> bool:
        """Says that this mode is none of torch's own."""
        return False

    # -- recording --------------------------------------------------------------------------------

    def start(self) -> None:
        """Begins to record in this thread."""
        if not self._on and not self._ended:
            self._on = True
            OURS.append(self)
            torch._C._push_on_torch_dispatch_stack(self)  # type: ignore[arg-type]

    def pause(self) -> None:
        """Stands aside while a listener of ours computes."""
        if not self._on or get_ident() != self._thread:
            return
        self._on = False
        above = []
        while torch._C._len_torch_dispatch_stack():
            top = torch._C._pop_torch_dispatch_stack(None)
            if top is self:
                break
            above.append(top)  # the user's, entered since
        for mode in reversed(above):
            torch._C._push_on_torch_dispatch_stack(mode)
        OURS.remove(self)

    def resume(self) -> None:
        """Goes on after a pause, unless there is nothing more to record."""
        if get_ident() == self._thread and self.why is None:
            self.start()

    def stop(self) -> None:
        """Ends the recording."""
        self.pause()
        self._ended = True

    def spoil(self, why: str) -> None:
        """Gives up: what follows is no longer recorded, what was is forgotten."""
        if self.why is None:
            self.why = why
            self.forget()

    def forget(self) -> None:
        """Drops everything that is held."""
        self.given, self._versions, self._before = {}, {}, {}
        self._entries, self._known, self._makers, self._storages = [], {}, {}, {}

    @interpreted
    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        call = getattr(function, "_op", function)
        if self.why is not None:
            return call(*args, **kwargs)
        began = perf_counter()
        entry = None
        try:
            entry = self._entry(function, args, kwargs)
        except NotReplayable as why:
            self.spoil(str(why))
        except Exception as error:
            self.spoil(f"{function} can't be recorded ({type(error).__name__}: {error})")
        self.seconds += perf_counter() - began
        result = call(*args, **kwargs)
        if entry is not None:
            began = perf_counter()
            try:
                self._note_result(entry, result)
            except NotReplayable as why:
                self.spoil(str(why))
            except Exception as error:
                self.spoil(f"{function} can't be recorded ({type(error).__name__}: {error})")
            self.seconds += perf_counter() - began
        return result

    def _entry(self, function: Any, args: Any, kwargs: Any) -> _Entry | None:
        if getattr(function, "namespace", "") == "profiler":
            return None  # marks a region, computes nothing
        kind = _kind(function)
        if kind.refused is not None:
            raise NotReplayable(f"the script uses {kind.refused}, of which nothing is known")
        if kind.generator is not None and kwargs.get(kind.generator) is not None:
            raise NotReplayable("the script draws from a random generator of its own")
        if len(self._entries) >= OPERATIONS_AT_MOST:
            raise NotReplayable(f"one step takes more than {OPERATIONS_AT_MOST} operations")
        entry = _Entry(
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
        return entry

    def _spec(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return _Slot(self._slot(value))
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
        if type(tensor) not in _PLAIN:
            raise NotReplayable(f"a tensor is a {type(tensor).__name__}")
        if tensor.is_inference():
            raise NotReplayable("the script is in inference mode")
        if tensor.device.type not in ("cpu", "cuda") or tensor.layout is not torch.strided:
            raise NotReplayable("only dense tensors on the CPU or on CUDA are computed again")
        if tensor.grad_fn is not None:
            raise NotReplayable("the loss depends on what was computed before the model was called")
        storage = tensor.untyped_storage()._cdata
        sharing = self._storages.setdefault(storage, [])
        if any(slot in self._before for slot in sharing):
            raise NotReplayable("the script changes in place what several tensors share")
        slot = self._new(tensor)
        sharing.append(slot)
        self.given[slot] = tensor
        self._versions[slot] = tensor._version
        return slot

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

    def _note_result(self, entry: _Entry, result: Any) -> None:
        for path, value in leaves(result):
            if isinstance(value, torch.Tensor):
                if type(value) not in _PLAIN:
                    raise NotReplayable(f"a tensor is a {type(value).__name__}")
                known = self._known.get(id(value))
                slot = known[1] if known and known[0]() is value else self._new(value)
                self._makers.setdefault(slot, entry)
                entry.made.append((path, slot, value.shape, value.dtype))
            elif value is not None:
                entry.found.append((path, value))
        self._entries.append(entry)

    def values_read(self, tensor: Any) -> None:
        """Notes that Python took all values out of a tensor: they must be the same again."""
        if self.why is None and isinstance(tensor, torch.Tensor) and tensor.layout is torch.strided:
            try:
                entry = _Entry(None, [_Slot(self._slot(tensor))], {}, grad=False)
                self._afford([tensor])
                entry.found.append(((), tensor.detach().clone()))
                self._entries.append(entry)
            except NotReplayable as why:
                self.spoil(str(why))

    @property
    def length(self) -> int:
        """Operations recorded so far."""
        return len(self._entries)

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
        from_entry: int = 0,
    ) -> list[torch.Tensor]:
        """Computes tensors again, with the weights as they are now.

        Args:
            wanted: numbers of the tensors to return.
            replaced: by number, tensors to take for those that were recorded, of the same shape
                and type; those of weights come from the caller as well where gradients are wanted.
            grad: whether the results are to have a graph.
            from_entry: where to begin.

        Raises:
            NotReplayable: what was found on the way is not what the program found.
        """
        replaced = replaced or {}
        if self.why is not None:
            raise NotReplayable(self.why)
        if grad and self._own_function:
            raise NotReplayable("the model has a torch.autograd.Function of its own")
        self._check_given(replaced)
        last, until = self._last_uses(wanted)
        values: dict[int, torch.Tensor] = {**self.given, **replaced}
        for slot, before in self._before.items():
            values[slot] = replaced.get(slot, before).clone()
        if not from_entry:
            put_random_state([*self._random, None, None])
        for index, entry in enumerate(self._entries[from_entry:until], from_entry):
            _play_entry(entry, values, grad=grad)
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

    def _last_uses(self, wanted: list[int]) -> tuple[dict[int, list[int]], int]:
        """Returns which values each operation is the last to need, and where playing may end."""
        needed, until = set(wanted), 0
        for index, entry in enumerate(self._entries):
            if any(slot in needed for _, slot, _, _ in entry.made):
                until = index + 1
        last: dict[int, int] = {}
        for index, entry in enumerate(self._entries[:until]):
            for slot in (*entry.needs(), *(slot for _, slot, _, _ in entry.made)):
                last[slot] = index
        ends: dict[int, list[int]] = {}
        for slot, index in last.items():
            if slot not in needed:
                ends.setdefault(index, []).append(slot)
        return ends, until


def _filled(value: Any, values: dict[int, torch.Tensor]) -> Any:
    if isinstance(value, _Slot):
        try:
            return values[value.number]
        except KeyError:
            raise NotReplayable("the loss takes what the model made on its way") from None
    return [_filled(part, values) for part in value] if type(value) is list else value


def _play_entry(entry: _Entry, values: dict[int, torch.Tensor], *, grad: bool) -> None:
    args = _filled(entry.args, values)
    if entry.function is None:
        if not torch.equal(args[0].nan_to_num(), entry.found[0][1].nan_to_num()):
            raise NotReplayable("the script reads values of tensors, which would be other ones")
        return
    kwargs = {name: _filled(value, values) for name, value in entry.kwargs.items()}
    function = entry.function
    if grad and entry.differentiable:
        function = torch.ops.aten.alias.default
    torch.set_grad_enabled(grad and entry.grad)
    result = function._op(*args, **kwargs)
    for path, slot, shape, dtype in entry.made:
        value = follow(result, path)
        if value is None:  # what only a backward pass would need
            values.pop(slot, None)
            continue
        if value.shape != shape or value.dtype != dtype:
            raise NotReplayable("a tensor has another size than the script found")
        values[slot] = value
    for path, expected in entry.found:
        value = follow(result, path)
        if value != expected and (value == value or expected == expected):
            raise NotReplayable("the script reads values of tensors, which would be other ones")


def is_weight(tensor: torch.Tensor) -> bool:
    """Returns whether a tensor is one that steps change: its value now is what counts."""
    return isinstance(tensor, torch.nn.Parameter) or tensor.requires_grad
