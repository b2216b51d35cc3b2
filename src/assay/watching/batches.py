"""How the rows of a batch differ, and whether one batch holds another."""

from __future__ import annotations

import torch


def spread(batch: torch.Tensor) -> torch.Tensor:
    """Returns the deviation of each number over the rows of a batch, averaged over all numbers.

    Args:
        batch: Of shape (rows, ...); nan of a single row.
    """
    rows = batch.float().reshape(len(batch), -1) if batch.dim() else batch.reshape(1, 1)
    return rows.std(0).mean() if len(rows) > 1 else rows.new_full((), torch.nan)


def holds(batch: torch.Tensor, part: torch.Tensor) -> bool | None:
    """Returns whether a batch on the CPU begins or ends with another.

    To compare is to wait for a device: batches that lie on another one are not looked at.

    Args:
        batch: What was given, of shape (rows, channels, ...).
        part: What may stand in it.

    Returns:
        True if it has the same rows, alone or beside other channels; False if there are other rows
        as well; None if it is not there.
    """
    if not batch.is_cpu or not part.is_cpu or batch.dim() != part.dim() or not batch.dim():
        return None
    if batch.dtype != part.dtype:
        return None
    unlike = [d for d in range(batch.dim()) if batch.shape[d] != part.shape[d]]
    if not unlike:
        return True if torch.equal(batch, part) else None
    if len(unlike) > 1 or unlike[0] > 1 or part.shape[unlike[0]] > batch.shape[unlike[0]]:
        return None
    dim, count = unlike[0], part.shape[unlike[0]]
    for start in (0, batch.shape[dim] - count):
        if torch.equal(batch.narrow(dim, start, count), part):
            return dim == 1
    return None
