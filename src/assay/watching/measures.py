"""Norms, moments and shares of a tensor, right for any finite numbers, and cheap for usual ones.

A sum of squares in float32 overflows from elements of 1.8e19 on, is 0 below 1e-23, and is inexact
from 1e-19 down. On the CPU a result in the safe range is taken as it is, and only another one is
computed again, scaled by the largest element. On an accelerator looking at a result would wait for
it, so that everything is summed in float64 there, without a branch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch

from ..seams.recording import is_plain
from .subsample import subsample

WIDER = {torch.float16: torch.float32, torch.bfloat16: torch.float32}
"""Half precision has too few digits for a sum; its norms are those of float32."""

SAFE = 1e-12, 1e18
"""Norms in between are exact: no square overflowed, and those that vanished would not matter. The
upper bound leaves room for products of two such numbers."""


def stored(gradient: torch.Tensor) -> torch.Tensor:
    """Returns the stored values of a gradient, sparse or not."""
    if gradient.layout is torch.strided:
        return gradient.detach()
    return gradient.detach().coalesce().values()


def norms(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
    """Returns each tensor's 2-norm, on its device; infinite or NaN only if an element is."""
    found: dict[int, torch.Tensor] = {}
    kinds: dict[tuple[torch.device, torch.dtype], list[int]] = {}
    for i, tensor in enumerate(tensors):
        kinds.setdefault((tensor.device, tensor.dtype), []).append(i)
    for (device, dtype), members in kinds.items():
        part = [tensors[i] for i in members]
        exact = _wide(device, dtype) if device.type != "cpu" else WIDER.get(dtype)
        results = list(torch._foreach_norm(part, 2, exact))
        if device.type == "cpu":
            for at, value in enumerate(torch.stack(results).tolist()):
                if not SAFE[0] < value < SAFE[1]:
                    results[at] = _scaled_norm(part[at])
        found.update(zip(members, results, strict=True))
    return [found[i] for i in range(len(tensors))]


def norm(tensor: torch.Tensor) -> torch.Tensor:
    """Returns the 2-norm of one tensor."""
    if not tensor.is_cpu:
        return norms([tensor])[0]
    found = torch.linalg.vector_norm(tensor, dtype=WIDER.get(tensor.dtype))
    return found if SAFE[0] < found.item() < SAFE[1] else _scaled_norm(tensor)


def total(parts: list[torch.Tensor]) -> torch.Tensor:
    """Returns the 2-norm of several tensors together, from the norm of each; 0 of none."""
    if not parts:
        return torch.zeros(())
    device = parts[0].device
    return norm(torch.stack([part.to(device, _wide(device, torch.float32)) for part in parts]))


def largest(tensor: torch.Tensor) -> torch.Tensor:
    """Returns the largest magnitude, a scalar; NaN if an element is, 0 of an empty tensor."""
    if not tensor.numel():
        return tensor.new_zeros((), dtype=torch.float32)
    if tensor.is_complex():
        return tensor.abs().max()
    low, high = torch.aminmax(tensor)
    return torch.maximum(-low, high)


def inner(firsts: Iterable[torch.Tensor], seconds: Iterable[torch.Tensor]) -> torch.Tensor:
    """Returns the inner product of two lists of tensors, pair by pair of one shape; a scalar."""
    parts = [
        _dot(a.detach().flatten(), b.detach().flatten())
        for a, b in zip(firsts, seconds, strict=True)
    ]
    device = parts[0].device
    wide = _wide(device, torch.float32)
    return torch.stack([part.to(device, wide) for part in parts]).sum()


def _dot(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    if a.is_cpu:
        found = torch.dot(_at_least_float32(a), _at_least_float32(b))
        if SAFE[0] < abs(float(found)) < math.inf:
            return found
    wide = _wide(a.device, a.dtype)
    return torch.dot(a.to(wide), b.to(wide))


def moments(tensor: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns mean and deviation (divided by n), scalars; NaN if an element is not finite.

    The deviation is that of the centred numbers, so that a mean far above it costs no digits.
    `torch.std_mean` takes ten times as long on a CPU.
    """
    values = _at_least_float32(tensor.detach())
    if not values.is_cpu:
        wide = _wide(values.device, values.dtype)
        mean = values.mean(dtype=wide)
        centred = values - mean.to(values.dtype)
        return mean, norm(centred) / math.sqrt(values.numel())
    mean = values.mean()
    std = norm(values - mean) / math.sqrt(values.numel())
    if not math.isfinite(std.item()) and math.isfinite(largest(values).item()):
        values = values.double()
        mean = values.mean()
        std = norm(values - mean) / math.sqrt(values.numel())
    return mean, std


class Summary(NamedTuple):
    """Statistics of a tensor's finite elements: scalars. Shares are of all elements.

    `nan_share` counts NaN and +inf: what no mask holds.
    """

    mean: torch.Tensor
    std: torch.Tensor
    low: torch.Tensor
    high: torch.Tensor
    total: torch.Tensor
    nonfinite_share: torch.Tensor | float
    nan_share: torch.Tensor | float


def summary(tensor: torch.Tensor) -> Summary:
    """Describes a tensor with at least one element; NaN where none is finite."""
    values, size = _at_least_float32(tensor.detach()), tensor.numel()
    wide = _wide(values.device, values.dtype)
    if values.is_cpu:
        mean, std = moments(values)
        if math.isfinite(std.item()):
            low, high = torch.aminmax(values)
            return Summary(mean, std, low, high, mean.to(wide) * size, 0.0, 0.0)
    finite = torch.isfinite(values)
    counted = finite.sum()
    whole = torch.where(finite, values, 0).sum(dtype=wide)
    mean = whole / counted
    away = torch.where(finite, values - mean.to(values.dtype), 0)
    some = counted > 0
    return Summary(
        mean,
        norm(away) / counted.to(wide).sqrt(),
        torch.where(some, torch.where(finite, values, math.inf).min(), math.nan),
        torch.where(some, torch.where(finite, values, -math.inf).max(), math.nan),
        whole,
        (size - counted) / size,
        (~finite & (values != -math.inf)).sum() / size,
    )


def nonfinite_share(tensor: torch.Tensor, together: torch.Tensor) -> torch.Tensor | float:
    """Returns the share of elements that are not finite; on the CPU counted only if need be.

    Args:
        tensor: Of any shape, not empty.
        together: A sum or norm over all elements, which is not finite where one of them is not.
    """
    if together.is_cpu and math.isfinite(together.item()):
        return 0.0
    return (~torch.isfinite(tensor)).sum() / tensor.numel()


def fingerprint(tensor: torch.Tensor) -> torch.Tensor | None:
    """Returns a number for the bits of a tensor, equal for equal ones: a scalar of whole numbers.

    The bits of its elements are added as integers, which is exact in any order. None for what has
    no plain memory, and for a device that is not known to add so.
    """
    kind = _INTEGERS.get(tensor.element_size())
    if not is_plain(tensor) or tensor.layout is not torch.strided or kind is None:
        return None
    if tensor.device.type not in ("cpu", "cuda"):
        return None
    bits = tensor.detach().view(kind)
    if kind is torch.int16:  # too narrow for a sum; on a CPU a wider copy is made, bit by bit
        parts = bits.reshape(-1).split(_WIDENED) if bits.is_cpu else [bits]
        return torch.stack([part.sum(dtype=torch.int64) for part in parts]).sum()
    return bits.sum(dtype=kind)


def fingerprints(
    named: Iterable[tuple[str, torch.Tensor]], *, each: bool
) -> dict[str, torch.Tensor]:
    """Returns the fingerprint of several tensors together, at "", below 2^31.

    Args:
        named: The tensors; where one of them has no fingerprint nothing is returned.
        each: Whether each has one by its name, too.
    """
    prints = {name: fingerprint(tensor) for name, tensor in named}
    known = {name: one for name, one in prints.items() if one is not None}
    if not known or len(known) < len(prints):
        return {}
    device = next(iter(known.values())).device
    parts = torch.stack([one.to(device) for one in known.values()]).long().remainder(_PRIME)
    found = {"": parts.sum().remainder(_PRIME)}
    return {**found, **dict(zip(known, parts.unbind(), strict=True))} if each else found


_INTEGERS = {2: torch.int16, 4: torch.int32, 8: torch.int64}
_WIDENED = 1 << 20
_PRIME = 2**31 - 1


def zero_share(tensor: torch.Tensor) -> torch.Tensor | float:
    """Returns the share of a subsample's elements that are exactly 0."""
    chosen = subsample(tensor)
    return 1 - _count(chosen) / chosen.numel()


def changed_shares(
    pairs: Sequence[tuple[torch.Tensor, torch.Tensor]],
) -> tuple[list[torch.Tensor | float], torch.Tensor | float]:
    """Returns the share of a subsample's elements that differ, of each pair and of all of them.

    NaN is changed. Pairs that lie otherwise in memory are compared as a whole.
    """
    shares: list[torch.Tensor | float] = []
    changed: torch.Tensor | float = 0.0
    elements = 0
    for after, before in pairs:
        if after.stride() == before.stride():
            differ = subsample(after) != subsample(before)
        else:
            differ = after != before
        share = _count(differ) / differ.numel()
        shares.append(share)
        changed += after.numel() * (
            share.to(pairs[0][0].device) if isinstance(share, torch.Tensor) else share
        )
        elements += after.numel()
    return shares, changed / elements


def _count(tensor: torch.Tensor) -> torch.Tensor | int:
    """Returns how many elements are not 0: on the CPU at once, which is cheaper than a tensor."""
    found = torch.count_nonzero(tensor)
    return int(found) if found.is_cpu else found


def _scaled_norm(tensor: torch.Tensor) -> torch.Tensor:
    top = largest(tensor)
    size = float(top)
    if size == 0 or not math.isfinite(size):
        return top
    scaled = tensor.to(_wide(tensor.device, tensor.dtype)) / size
    return torch.linalg.vector_norm(scaled) * size


def _at_least_float32(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.to(WIDER.get(tensor.dtype, tensor.dtype))


def _wide(device: torch.device, dtype: torch.dtype) -> torch.dtype:
    """Returns the widest type that this device has for such numbers."""
    if device.type == "mps":  # has no float64
        return dtype if dtype.is_complex else torch.float32
    return torch.complex128 if dtype.is_complex else torch.float64
