"""Tensors inside nested arguments and results, and the state of torch that a replay puts back."""

from __future__ import annotations

import random
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

Path = tuple[Any, ...]
Result = TypeVar("Result")
PLAIN = (torch.Tensor, torch.nn.Parameter)
"""Classes of tensors that behave as torch's do; a subclass may do anything."""


class NotReplayable(Exception):
    """What forbids a replay, in the user's words."""


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yields everything inside lists, tuples and dicts (a `ModelOutput` is one), with its path."""
    if isinstance(value, dict):
        for key in list(value):
            yield from leaves(value[key], (*path, key))
    elif isinstance(value, (list, tuple)):
        for index, part in enumerate(value):
            yield from leaves(part, (*path, index))
    else:
        yield path, value


def follow(value: Any, path: Path) -> Any:
    """Returns what lies at the end of a path."""
    for key in path:
        value = value[key]
    return value


def tensors(value: Any) -> list[torch.Tensor]:
    """Returns the tensors inside a nested value, in order."""
    return [leaf for _, leaf in leaves(value) if isinstance(leaf, torch.Tensor)]


def rebuilt(value: Any, change: Callable[[Any], Any]) -> Any:
    """Returns a nested value with every leaf changed, in containers of the same kinds."""
    if isinstance(value, dict):
        made = {key: rebuilt(part, change) for key, part in value.items()}
        return made if type(value) is dict else type(value)(**made)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(rebuilt(part, change) for part in value))
    if isinstance(value, (list, tuple)):
        return type(value)(rebuilt(part, change) for part in value)
    return change(value)


def refuse_strange(tensor: torch.Tensor) -> None:
    """Raises NotReplayable for a tensor that is given and not one that we know how to treat."""
    if type(tensor) not in PLAIN:
        raise NotReplayable(f"a tensor is a {type(tensor).__name__}")
    if tensor.is_inference():
        raise NotReplayable("the script is in inference mode")
    if tensor.device.type not in ("cpu", "cuda") or tensor.layout is not torch.strided:
        raise NotReplayable("only dense tensors on the CPU or on CUDA are computed again")
    if tensor.grad_fn is not None:
        raise NotReplayable("the loss depends on what was computed before the model was called")


def same_bits(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Returns whether two tensors are equal, NaN where the other has NaN."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    return bool(((one == other) | ((one != one) & (other != other))).all())


def is_weight(tensor: torch.Tensor) -> bool:
    """Returns whether a tensor is one that steps change: its value now is what counts."""
    return isinstance(tensor, torch.nn.Parameter) or tensor.requires_grad


def size(held: list[torch.Tensor]) -> int:
    """Returns the bytes that these tensors take."""
    return sum(t.numel() * t.element_size() for t in held)


def random_state() -> list[Any]:
    """Returns the state of Python's, torch's and, where it is loaded, numpy's generators."""
    states: list[Any] = [torch.get_rng_state(), None, random.getstate(), None]
    if torch.cuda.is_initialized():
        states[1] = torch.cuda.get_rng_state_all()
    numpy = sys.modules.get("numpy.random")
    if numpy is not None:
        states[3] = numpy.get_state()
    return states


def put_random_state(states: list[Any]) -> None:
    """Puts generators back to a state taken before; None leaves one as it is."""
    torch.set_rng_state(states[0])
    if states[1] is not None:
        torch.cuda.set_rng_state_all(states[1])
    if states[2] is not None:
        random.setstate(states[2])
    if states[3] is not None:
        sys.modules["numpy.random"].set_state(states[3])


def same_random_state(one: list[Any], other: list[Any]) -> bool:
    """Returns whether no generator moved between two states."""
    if not torch.equal(one[0], other[0]) or one[2] != other[2]:
        return False
    devices = zip(one[1] or (), other[1] or (), strict=False)
    numpys = (
        one[3] is None
        or other[3] is None
        or (one[3][2:] == other[3][2:] and one[3][1].tobytes() == other[3][1].tobytes())
    )
    return numpys and all(torch.equal(a, b) for a, b in devices)


Autocast = list[tuple[str, bool, torch.dtype]]


def autocast_state() -> Autocast:
    """Returns, per kind of device, whether mixed precision is on, and in which type."""
    kinds = ("cpu", "cuda") if torch.cuda.is_initialized() else ("cpu",)
    return [(k, torch.is_autocast_enabled(k), torch.get_autocast_dtype(k)) for k in kinds]


def put_autocast(state: Autocast) -> None:
    """Sets mixed precision, without its cache, which holds weights from before the step."""
    torch.set_autocast_cache_enabled(False)
    for kind, enabled, dtype in state:
        torch.set_autocast_enabled(kind, enabled)
        torch.set_autocast_dtype(kind, dtype)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Puts back what a measurement may move: all generators, gradient mode, mixed precision.

    Mixed precision is off inside. Warnings are not shown: they have been. They are left out by a
    filter put in by hand, since `warnings.catch_warnings` would show the user's old ones again.
    """
    states, autocast = random_state(), autocast_state()
    cached, grad = torch.is_autocast_cache_enabled(), torch.is_grad_enabled()
    silent = ("ignore", None, Warning, None, 0)
    warnings.filters.insert(0, silent)  # type: ignore[attr-defined]
    put_autocast([(kind, False, dtype) for kind, _, dtype in autocast])
    try:
        yield
    finally:
        warnings.filters.remove(silent)  # type: ignore[attr-defined]
        torch.set_grad_enabled(grad)
        put_autocast(autocast)
        torch.set_autocast_cache_enabled(cached)
        put_random_state(states)


def quietly(work: Callable[[], Result]) -> Result:
    """Returns what `work` returns; warnings of torch's C++ code go where those of Python go.

    Outside any function of torch's Python interface they would be printed, whatever the filters.
    `apply_` is such a function, and the only one that calls back with nothing else changed.
    """
    results: list[Result] = []

    def inside(value: float) -> float:
        results.append(work())
        return value

    torch.zeros(1, dtype=torch.float64, device="cpu").apply_(inside)
    return results[0]
