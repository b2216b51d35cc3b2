"""Evaluating a recorded forward pass and loss once more, leaving the user's world as it was."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch

Path = tuple[Any, ...]


class NotReplayable(Exception):
    """What forbids a replay."""


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Everything inside lists, tuples, dicts and dataclass-like results, with the way to it."""
    if isinstance(value, dict):
        for key in list(value):
            yield from leaves(value[key], (*path, key))
    elif isinstance(value, (list, tuple)):
        for index, part in enumerate(value):
            yield from leaves(part, (*path, index))
    else:
        yield path, value


def follow(value: Any, path: Path) -> Any:
    """What lies at the end of a path."""
    for key in path:
        value = value[key]
    return value


def _autocast() -> tuple[tuple[str, bool, torch.dtype], ...]:
    kinds = ("cpu", "cuda") if torch.cuda.is_initialized() else ("cpu",)
    return tuple(
        (kind, torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind)) for kind in kinds
    )


@contextmanager
def autocast_as(state: tuple[tuple[str, bool, torch.dtype], ...]) -> Iterator[None]:
    """Mixed precision as it was; without the cache, which holds weights from before the step."""
    contexts: list[Any] = [
        torch.autocast(kind, dtype=dtype, enabled=enabled, cache_enabled=False)
        for kind, enabled, dtype in state
        if enabled or torch.is_autocast_enabled(kind)
    ]
    first = contexts[0] if contexts else nullcontext()
    second = contexts[1] if len(contexts) > 1 else nullcontext()
    with first, second:
        yield


def random_state() -> list[Any]:
    """State of torch's generators; proved forwards draw from no other."""
    states: list[Any] = [torch.get_rng_state()]
    if torch.cuda.is_initialized():
        states.append(torch.cuda.get_rng_state_all())
    return states


def put_random_state(states: list[Any]) -> None:
    """Puts generators back to a state taken before."""
    torch.set_rng_state(states[0])
    if len(states) > 1:
        torch.cuda.set_rng_state_all(states[1])


class Given:
    """Arguments of a call, with the means to notice that they changed since."""

    def __init__(self, args: Any, kwargs: Any) -> None:
        self.args, self.kwargs = args, kwargs
        self._held = list(self._now())

    def _now(self) -> Iterator[tuple[Path, Any, int]]:
        for path, value in leaves((self.args, self.kwargs)):
            if isinstance(value, torch.Tensor):
                if value.is_inference() or type(value) is not torch.Tensor:
                    raise NotReplayable(f"an argument is a {type(value).__name__}")
                yield path, value, value._version
            elif isinstance(value, (int, float, bool, str, type(None))):
                yield path, value, 0
            else:
                raise NotReplayable(f"an argument is a {type(value).__name__}")

    def unchanged(self) -> bool:
        """Whether every tensor is the same object, not written to since."""
        now = list(self._now())
        return len(now) == len(self._held) and all(
            a[0] == b[0] and a[1] is b[1] and a[2] == b[2]
            for a, b in zip(now, self._held, strict=True)
        )

    def tensors(self) -> list[torch.Tensor]:
        """All tensors among the arguments."""
        return [value for _, value, _ in self._held if isinstance(value, torch.Tensor)]


class Replay:
    """One root call and, if the loss is computed from its result by one function, that call.

    Made before the root runs. Holds the arguments until it is dropped, never the result.
    """

    def __init__(self, root: torch.nn.Module, args: Any, kwargs: Any) -> None:
        self.root, self.given = root, Given(args, kwargs)
        self._random, self._autocast = random_state(), _autocast()
        self._modes = [module.training for module in root.modules()]
        self._places: dict[int, tuple[weakref.ref[torch.Tensor], Path]] = {}
        self._loss: tuple[Any, Given, dict[Path, Path], Any] | None = None
        self._way: Path | None = None
        self._result: weakref.ref[torch.Tensor] | None = None
        if any(t.device.type not in ("cpu", "cuda") for t in self.given.tensors()):
            raise NotReplayable("only CPU and CUDA devices are replayed")

    def root_returned(self, result: Any) -> None:
        """Notes which tensors the root gave back."""
        self._places = {
            id(value): (weakref.ref(value), path)
            for path, value in leaves(result)
            if isinstance(value, torch.Tensor)
        }

    def _place(self, tensor: torch.Tensor) -> Path | None:
        known = self._places.get(id(tensor))
        return known[1] if known is not None and known[0]() is tensor else None

    def loss_returned(self, function: Any, args: Any, kwargs: Any, result: Any) -> None:
        """Notes a loss computed from the root's result; NotReplayable if from anything else."""
        places: dict[Path, Path] = {}
        kept: Any = [list(args), dict(kwargs)]
        for path, value in list(leaves((args, kwargs))):
            place = self._place(value) if isinstance(value, torch.Tensor) else None
            if place is not None:
                places[path] = place
                if len(path) != 2:
                    raise NotReplayable("the loss takes a container of tensors")
                kept[path[0]][path[1]] = None
            elif isinstance(value, torch.Tensor) and value.requires_grad:
                raise NotReplayable("the loss is computed from something made of the root's result")
        if not places:
            raise NotReplayable("the loss does not take the root's result as it is")
        self._loss = (function, Given(kept[0], kept[1]), places, _autocast())
        self._result = weakref.ref(result)

    def starts_from(self, loss: torch.Tensor) -> None:
        """Checks that backward is called on the very loss that can be computed again."""
        if self._result is not None and self._result() is loss:
            return
        way = self._place(loss)
        if self._loss is not None or way is None:
            raise NotReplayable("the script computes on between the loss function and backward")
        self._way = way

    def evaluate(self) -> torch.Tensor:
        """The loss on the same batch with the weights as they are now; no dimension, no graph."""
        if self._loss is None and self._way is None:
            raise NotReplayable("no loss was recorded")
        modules = list(self.root.modules())
        if [module.training for module in modules] != self._modes:
            raise NotReplayable("train() or eval() was called since")
        if not self.given.unchanged() or (self._loss and not self._loss[1].unchanged()):
            raise NotReplayable("the batch was changed in place since")
        now = random_state()
        buffers = [(m, dict(m._buffers)) for m in modules if m._buffers]
        twins: dict[int, torch.Tensor] = {}
        warn = warnings.warn
        try:
            warnings.warn = lambda *args, **kwargs: None  # it has been said
            for module, held in buffers:
                for name, buffer in held.items():
                    if buffer is not None:
                        twin = twins.setdefault(id(buffer), buffer.detach().clone())
                        module._buffers[name] = twin
            put_random_state(self._random)
            with torch.no_grad():
                with autocast_as(self._autocast):
                    result = self.root(*self.given.args, **self.given.kwargs)
                if self._loss is None:
                    return follow(result, self._way or ()).detach().reshape(()).clone()
                return self._evaluate_loss(result)
        finally:
            warnings.warn = warn
            for module, held in buffers:
                for name in [n for n in module._buffers if n not in held]:
                    del module._buffers[name]
                module._buffers.update(held)
            put_random_state(now)

    def _evaluate_loss(self, result: Any) -> torch.Tensor:
        assert self._loss is not None
        function, given, places, autocast = self._loss
        args, kwargs = list(given.args), dict(given.kwargs)
        for path, place in places.items():
            (args if path[0] == 0 else kwargs)[path[1]] = follow(result, place)
        with autocast_as(autocast):
            loss: torch.Tensor = function(*args, **kwargs)
        return loss.detach().reshape(())
