"""Question: does a non-linear operation stand between each layer and the next?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch

from ...replay.operations import Operation, Slot
from ...replay.tape import Tape
from .asked import Asked, refuse

PAIRS_AT_MOST = 20

_SAME = ("view", "unsafe_view", "reshape", "transpose", "t", "permute", "clone", "alias", "detach",
         "expand", "squeeze", "unsqueeze", "to_copy", "native_batch_norm", "cudnn_batch_norm",
         "native_dropout")  # fmt: skip
"""Operations behind which a layer's result is still a linear function of what the layer was given;
batch norm is one in evaluation."""
_SCALED = ("mul", "div")
_MATRIX = {"addmm": (1, 2), "mm": (0, 1), "linear": (0, 1), "convolution": (0, 1)}
"""Which arguments are the input and the weight."""


class Layer(NamedTuple):
    """One use of a matrix or of a kernel: its weight, what it is given, and its operation."""

    weight: torch.Tensor
    kind: str
    operation: Operation
    width: int
    """Of its result: features or channels."""
    before: Layer | None
    """The layer whose result it is given with nothing non-linear between; None for all others."""


def linear_pairs(asked: Asked) -> Iterator[tuple[str, str, Any]]:
    """Yields the share of layers that are given another's result with nothing non-linear between.

    Of all layers that come after another one. A pair counts whose first layer is not narrower than
    what it is given and than the second one's result (as a factor of low rank is), whose first
    result nobody else takes, and which are two matrices or two kernels over all channels. A last
    layer that stands alone so is left out: what is before it may be wanted for itself.
    """
    tape = asked.replays.tape
    layers = list(_layers(tape, _kept(asked)))
    if len(layers) < 2:
        raise refuse("the model has no two layers in a row")
    pairs = [layer for layer in layers if layer.before and not _in_attention(asked, layer)]
    if len(pairs) < len(layers) - 1:
        pairs = [layer for layer in pairs if layer is not layers[-1]]
    yield "linear_share", "", len(pairs) / (len(layers) - 1)
    for layer in pairs[:PAIRS_AT_MOST]:
        assert layer.before is not None
        names = [_name(asked, one.weight) for one in (layer.before, layer)]
        asked.watch.event_once(
            "linear_pair",
            *names,
            first=names[0],
            second=names[1],
            line=asked.line(layer.operation),
        )


def _name(asked: Asked, weight: torch.Tensor) -> str:
    return asked.watch.names.parameter(weight) or "a weight"


def _in_attention(asked: Asked, layer: Layer) -> bool:
    """Whether one of two layers is a projection of torch's attention, which is as it is."""
    both = (layer.weight, layer.before.weight) if layer.before else (layer.weight,)
    names = [_name(asked, weight) for weight in both]
    return any("in_proj_weight" in name or name.endswith("out_proj.weight") for name in names)


def _kept(asked: Asked) -> set[int]:
    """Returns the results that a model gives back: these are wanted for themselves."""
    return {number for call in asked.replays.calls for number in call.result.values()}


def _layers(tape: Tape, kept: set[int]) -> Iterator[Layer]:
    takers: dict[int, int] = {}
    for operation in tape.operations:
        for slot in set(operation.needs()) if operation.name != "empty_like" else ():
            takers[slot] = takers.get(slot, 0) + 1
    weights: dict[int, torch.Tensor] = {
        slot: tensor for slot, tensor in tape.given.items() if tensor.requires_grad
    }
    drawn: set[int] = set()
    behind: dict[int, Layer] = {}
    seen: set[int] = set()
    for operation in tape.operations:
        made = [slot for _, slot, _, _ in operation.made]
        needs = operation.needs()
        if not made:
            continue
        if operation.name in _SAME and needs and needs[0] in weights and made[0] not in weights:
            weights[made[0]] = weights[needs[0]]
            continue
        if operation.name in ("bernoulli", "empty_like") or (drawn and drawn.issuperset(needs)):
            drawn.update(made if needs or operation.name == "empty_like" else ())
        layer = _layer(operation, weights, behind)
        if layer is not None:
            if id(layer.weight) in seen:
                layer = layer._replace(before=None)  # used again: a loop over time
            seen.add(id(layer.weight))
            yield layer
        else:
            layer = _through(operation, weights, drawn, behind)
        if layer is not None and takers.get(made[0], 0) == 1 and made[0] not in kept:
            behind[made[0]] = layer


def _number(value: Any) -> int | None:
    return value.number if isinstance(value, Slot) else None


def _layer(
    operation: Operation, weights: dict[int, torch.Tensor], behind: dict[int, Layer]
) -> Layer | None:
    """Returns the layer that an operation is; None for all others."""
    places = _MATRIX.get(operation.name)
    if places is None:
        return None
    given, by = (_number(operation.args[place]) for place in places)
    if given is None or by is None or by not in weights or given in weights:
        return None
    weight, kind = weights[by], operation.name
    if kind == "convolution":
        if operation.args[6] or operation.args[8] != 1:
            return None  # transposed, or by groups
    else:
        kind = "matrix"
    width = operation.made[0][2][1 if kind == "convolution" else -1]
    before = behind.get(given)
    if before is not None and (before.kind != kind or _is_factor(before, weight, width)):
        before = None
    return Layer(weight, kind, operation, width, before)


def _is_factor(first: Layer, weight: torch.Tensor, width: int) -> bool:
    """Whether two layers make a product of lower rank, or of larger reach, on purpose."""
    if first.kind == "convolution":
        given = first.weight.shape[1]
        if first.weight.shape[2:] != weight.shape[2:]:
            return True
    else:
        given = first.weight.numel() // first.width
    return first.width < min(given, width)


def _through(
    operation: Operation,
    weights: dict[int, torch.Tensor],
    drawn: set[int],
    behind: dict[int, Layer],
) -> Layer | None:
    """Returns the layer that the result of an operation is still a linear function of."""
    needs = operation.needs()
    if not needs:
        return None
    found = behind.get(needs[0])
    if operation.name in _SAME:
        return found
    others = [slot for slot in needs if slot in behind]
    rest = [slot for slot in needs if slot not in behind]
    if len(others) != 1:
        return None
    if operation.name == "add" and all(slot in weights for slot in rest):
        return behind[others[0]]
    if operation.name in _SCALED and all(slot in drawn for slot in rest):
        return behind[others[0]]
    return None
