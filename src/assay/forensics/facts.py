"""What is measured of an operation whose result is not finite: its operands, and at which rows."""

from __future__ import annotations

import math
from typing import Any

import torch

from ..journal.numbers import to_json

ROWS_AT_MOST = 8
OPERANDS_AT_MOST = 6
_BY_ROW = frozenset(("_softmax", "_log_softmax", "_safe_softmax", "logsumexp"))
"""Operations that compute along one dimension, given as their second argument."""


def looks(value: Any) -> bool:
    """Whether this is a tensor with numbers that may be looked at."""
    return (
        isinstance(value, torch.Tensor)
        and value.layout is torch.strided
        and value.device.type != "meta"
        and (value.is_floating_point() or value.is_complex())
        and value.itemsize > 1  # of those with one byte torch knows no isfinite
        and not torch._C._functorch.is_functorch_wrapped_tensor(value)
    )


def is_finite(value: torch.Tensor) -> bool:
    """Whether all numbers of a tensor are."""
    # a finite sum has only finite parts; another one may have overflowed
    return bool(torch.isfinite(value.sum())) or bool(torch.isfinite(value).all())


def kinds(value: torch.Tensor) -> set[str]:
    """Returns which of `nan`, `inf` and `-inf` a tensor holds."""
    real = torch.view_as_real(value) if value.is_complex() else value
    found = {"nan": real.isnan(), "inf": real == math.inf, "-inf": real == -math.inf}
    return {name for name, where in found.items() if bool(where.any())}


def described(name: str, value: torch.Tensor) -> dict[str, Any]:
    """Returns name, dtype, shape and range of an operand, and how many zeros it has."""
    real = (torch.view_as_real(value) if value.is_complex() else value).detach()
    facts: dict[str, Any] = {
        "name": name,
        "dtype": str(value.dtype).removeprefix("torch."),
        "shape": list(value.shape),
    }
    if real.numel() and real.device.type != "meta" and real.layout is torch.strided:
        numbers = real.float() if real.is_floating_point() and real.itemsize < 4 else real
        if numbers.dtype is torch.bool:
            numbers = numbers.byte()
        finite = numbers[torch.isfinite(numbers)] if numbers.is_floating_point() else numbers
        if finite.numel():
            facts["low"], facts["high"] = float(finite.min()), float(finite.max())
        facts["zeros"] = int((numbers == 0).sum())
        facts["bad"] = sorted(kinds(numbers)) if numbers.is_floating_point() else []
    return facts


def first_bad(result: torch.Tensor) -> tuple[int, ...]:
    """Returns where the first NaN of a result stands, or the first infinity where it has none."""
    undefined = result.isnan()
    flat = (undefined if bool(undefined.any()) else ~torch.isfinite(result)).flatten()
    at = int(flat.to(torch.uint8).argmax())
    return tuple(int(i) for i in torch.unravel_index(torch.tensor(at), result.shape))


def value_at(operand: torch.Tensor, place: tuple[int, ...], shape: torch.Size) -> Any:
    """Returns the number of an operand at a place of the result; None where none belongs to it."""
    try:
        if operand.numel() != 1 and torch.broadcast_shapes(operand.shape, shape) != shape:
            return None
        value = operand.detach().expand(shape)[place] if operand.dim() or shape else operand
        return to_json(value.item()) if not operand.is_complex() else None
    except (RuntimeError, IndexError):
        return None


def row_of(op: str, args: Any, place: tuple[int, ...]) -> dict[str, Any] | None:
    """Returns what the row looks like that a softmax was given at a place."""
    operand = args[0] if args else None
    if op not in _BY_ROW or not isinstance(operand, torch.Tensor) or not operand.dim():
        return None
    dim = args[1][0] if isinstance(args[1], (list, tuple)) else args[1]
    kept = op == "logsumexp" and not (len(args) > 2 and args[2])
    at = list(place)
    if kept:
        at.insert(dim % operand.dim(), 0)
    index: list[Any] = list(at)
    index[dim % operand.dim()] = slice(None)
    row = operand.detach()[tuple(index)]
    return {"length": row.numel(), "masked": int((row == -math.inf).sum())}


def rows_of(result: torch.Tensor) -> tuple[list[int], int]:
    """Returns which entries of the first dimension are not finite: the first ones, and how many."""
    if not result.dim():
        return [], 0
    bad = (~torch.isfinite(result)).reshape(len(result), -1).any(1)
    return bad.nonzero().flatten()[:ROWS_AT_MOST].tolist(), int(bad.sum())


def share_of(result: torch.Tensor) -> float:
    """Returns the share of a result's numbers that are not finite."""
    return float((~torch.isfinite(result)).float().mean()) if result.numel() else 0.0


def tensors_in(value: Any) -> list[torch.Tensor]:
    """Returns the tensors in what an operation gives."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, (list, tuple)):
        return [one for part in value for one in tensors_in(part)]
    return []


def storage(tensor: torch.Tensor) -> int:
    """Returns a number for the memory of a tensor: views of one tensor share it."""
    try:
        return int(tensor.untyped_storage()._cdata)
    except (RuntimeError, NotImplementedError):  # sparse, or without memory of its own
        return id(tensor)


def bytes_behind(tensor: torch.Tensor) -> int:
    """Returns the size of the memory that a tensor is a view of; -1 without such."""
    try:
        return int(tensor.untyped_storage().nbytes())
    except (RuntimeError, NotImplementedError):
        return -1
