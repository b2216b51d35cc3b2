"""What operations do to axes; what is not here pins all that it touches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .spaces import Axis, Spaces

Axes = tuple[Axis, ...]


class Seen(NamedTuple):
    """A tensor among the arguments: its axes and its shape."""

    axes: Axes
    shape: tuple[int, ...]


Rule = Callable[..., Axes]
"""Of the spaces, the shape of the (first) result, and the arguments, with tensors as `Seen`."""

RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Enters a rule under names of operations in `torch.ops.aten`."""

    def enter(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return enter


def fixed(spaces: Spaces, shape: Sequence[int]) -> Axes:
    """Returns axes of their own that keep their order."""
    return tuple(spaces.new(size, pinned=True) for size in shape)


def pointwise(spaces: Spaces, tensors: Sequence[Axes], shape: Sequence[int]) -> Axes:
    """Joins axes from the last one backwards, as broadcasting does."""
    found: list[Axis] = [()] * len(shape)
    for axes in tensors:
        for back, axis in enumerate(reversed(axes), 1):
            if axis and found[-back]:
                spaces.join(found[-back], axis)
            elif axis:
                found[-back] = axis
    return tuple(found)


@rule("clone", "detach", "alias", "contiguous", "_to_copy", "lift_fresh", "native_dropout",
      "_softmax", "_log_softmax", "dropout", "lift_fresh_copy")  # fmt: skip
def _same(spaces: Spaces, shape: Any, x: Seen, *_: Any) -> Axes:
    return x.axes


@rule("t")
def _t(spaces: Spaces, shape: Any, x: Seen) -> Axes:
    return x.axes[::-1]


@rule("transpose")
def _transpose(spaces: Spaces, shape: Any, x: Seen, one: int, other: int) -> Axes:
    order = list(x.axes)
    order[one], order[other] = order[other], order[one]
    return tuple(order)


@rule("permute")
def _permute(spaces: Spaces, shape: Any, x: Seen, order: Sequence[int]) -> Axes:
    return tuple(x.axes[place] for place in order)


@rule("view", "_unsafe_view", "reshape", "unsqueeze", "squeeze", "flatten", "_reshape_alias")
def _view(spaces: Spaces, shape: Sequence[int], x: Seen, *_: Any) -> Axes:
    found = spaces.regroup(x.axes, shape)
    if found is None:
        spaces.pin(x.axes)
        return fixed(spaces, shape)
    return tuple(found)


@rule("expand")
def _expand(spaces: Spaces, shape: Sequence[int], x: Seen, *_: Any) -> Axes:
    axes = ((),) * (len(shape) - len(x.axes)) + x.axes
    return tuple(
        axis or spaces.new(size, pinned=True) for axis, size in zip(axes, shape, strict=True)
    )


@rule("mm")
def _mm(spaces: Spaces, shape: Any, a: Seen, b: Seen) -> Axes:
    spaces.join(a.axes[1], b.axes[0])
    return a.axes[0], b.axes[1]


@rule("addmm")
def _addmm(spaces: Spaces, shape: Any, bias: Seen, a: Seen, b: Seen, *_: Any) -> Axes:
    return pointwise(spaces, [_mm(spaces, shape, a, b), bias.axes], shape)


@rule("bmm")
def _bmm(spaces: Spaces, shape: Any, a: Seen, b: Seen) -> Axes:
    spaces.join(a.axes[0], b.axes[0])
    spaces.join(a.axes[2], b.axes[1])
    return a.axes[0], a.axes[1], b.axes[2]


@rule("linear")
def _linear(spaces: Spaces, shape: Any, x: Seen, weight: Seen, bias: Seen | None = None) -> Axes:
    spaces.join(x.axes[-1], weight.axes[1])
    if bias is not None:
        spaces.join(weight.axes[0], bias.axes[0])
    return (*x.axes[:-1], weight.axes[0])


@rule("convolution", "_convolution")
def _convolution(
    spaces: Spaces, shape: Sequence[int], x: Seen, weight: Seen, bias: Seen | None, stride: Any,
    padding: Any, dilation: Any, transposed: bool, out_padding: Any, groups: int, *_: Any,
) -> Axes:  # fmt: skip
    into, out = (1, 0) if not transposed else (0, 1)
    spaces.pin([*weight.axes[2:], *x.axes[2:]])
    if groups == 1:
        spaces.join(x.axes[1], weight.axes[into])
        channels = weight.axes[out]
    elif not transposed and groups == x.shape[1] == weight.shape[0]:  # one filter a channel
        spaces.join(x.axes[1], weight.axes[0])
        channels = weight.axes[0]
    else:
        spaces.pin([x.axes[1], weight.axes[0], weight.axes[1]])
        channels = spaces.new(shape[1], pinned=True)
    if bias is not None:
        spaces.join(channels, bias.axes[0])
    return x.axes[0], channels, *fixed(spaces, shape[2:])


@rule("native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training",
      "cudnn_batch_norm", "batch_norm", "_batch_norm_with_update",
      "_batch_norm_no_update")  # fmt: skip
def _batch_norm(spaces: Spaces, shape: Any, x: Seen, *more: Any) -> Axes:
    for own in more[:4]:
        if isinstance(own, Seen):
            spaces.join(x.axes[1], own.axes[0])
    return x.axes


@rule("native_layer_norm", "layer_norm", "_fused_rms_norm")
def _layer_norm(spaces: Spaces, shape: Any, x: Seen, _: Any, *more: Any) -> Axes:
    for own in more[:2]:
        if isinstance(own, Seen):
            pointwise(spaces, [x.axes, own.axes], shape)
    return x.axes


@rule("native_group_norm")
def _group_norm(
    spaces: Spaces, shape: Any, x: Seen, weight: Seen | None, bias: Seen | None, n: int, c: int,
    pixels: int, groups: int, *_: Any,
) -> Axes:  # fmt: skip
    spaces.join(x.axes[1], (*spaces.new(groups), *spaces.new(c // groups)))
    for own in (weight, bias):
        if own is not None:
            spaces.join(x.axes[1], own.axes[0])
    return x.axes


@rule("mean", "sum", "amax", "amin", "var", "logsumexp")
def _reduction(spaces: Spaces, shape: Sequence[int], x: Seen, dims: Any = None, *_: Any) -> Axes:
    many = len(x.axes)
    dims = range(many) if dims is None or dims == [] else [dims] if type(dims) is int else dims
    gone = {dim % many for dim in dims}
    if len(shape) == many:
        return tuple(() if i in gone else axis for i, axis in enumerate(x.axes))
    return tuple(axis for i, axis in enumerate(x.axes) if i not in gone)


@rule("avg_pool2d", "max_pool2d_with_indices", "_adaptive_avg_pool2d", "adaptive_max_pool2d",
      "upsample_nearest2d", "upsample_bilinear2d", "reflection_pad2d")  # fmt: skip
def _pooling(spaces: Spaces, shape: Sequence[int], x: Seen, *_: Any) -> Axes:
    spaces.pin(x.axes[-2:])
    return *x.axes[:-2], *fixed(spaces, shape[-2:])


@rule("embedding")
def _embedding(spaces: Spaces, shape: Any, weight: Seen, ids: Seen, *_: Any) -> Axes:
    spaces.pin([weight.axes[0]])
    return *ids.axes, weight.axes[1]


@rule("_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_flash_attention",
      "_scaled_dot_product_efficient_attention", "_scaled_dot_product_attention_math")  # fmt: skip
def _attention(spaces: Spaces, shape: Any, q: Seen, k: Seen, v: Seen, *more: Any) -> Axes:
    mask = next((one for one in more if isinstance(one, Seen)), None)
    if mask is not None:
        spaces.pin(mask.axes)
    for i in (0, 1):
        spaces.join(q.axes[i], k.axes[i])
        spaces.join(q.axes[i], v.axes[i])
    spaces.join(q.axes[3], k.axes[3])
    spaces.join(k.axes[2], v.axes[2])
    return *q.axes[:3], v.axes[3]
