"""How the rows of batches differ, and whether one batch holds another."""

from __future__ import annotations

from functools import lru_cache

import torch

DIRECTIONS = 64
NUMBERS_AT_MOST = 1 << 16
"""Numbers of a row that are projected: beyond, the directions alone take 16 MiB."""


def spread(batch: torch.Tensor) -> torch.Tensor:
    """Returns the deviation of each number over the rows of a batch, averaged over all numbers.

    Args:
        batch: Of shape (rows, ...); nan of a single row.
    """
    rows = batch.float().reshape(len(batch), -1) if batch.dim() else batch.reshape(1, 1)
    return rows.std(0).mean() if len(rows) > 1 else rows.new_full((), torch.nan)


@lru_cache(maxsize=4)
def _directions(numbers: int, device: torch.device) -> torch.Tensor:
    """Returns 64 directions of length 1, drawn by a generator of their own: always the same."""
    drawn = torch.randn(numbers, DIRECTIONS, generator=torch.Generator().manual_seed(0))
    return (drawn / drawn.norm(dim=0)).to(device)


def projected(batch: torch.Tensor) -> torch.Tensor | None:
    """Returns the rows of a batch along 64 fixed directions; None for rows that are too long.

    Args:
        batch: Of shape (rows, ...).
    """
    numbers = batch[0].numel() if batch.dim() and len(batch) else 0
    if not 0 < numbers <= NUMBERS_AT_MOST:
        return None
    with torch.autocast(batch.device.type, enabled=False):
        return batch.float().reshape(len(batch), -1) @ _directions(numbers, batch.device)


def distance(made: torch.Tensor, data: torch.Tensor) -> torch.Tensor:
    """Returns how far two batches lie apart, in deviations of the data.

    The sliced Wasserstein distance of order 2: along each direction the rows of both are sorted and
    compared one by one. Source: Rabin, Peyré, Delon, Bernot 2011, "Wasserstein barycenter and its
    application to texture mixing".

    Args:
        made: Rows of one along fixed directions, as `projected` gives them.
        data: Those of the other; of the longer one the first rows are taken.
    """
    rows = min(len(made), len(data))
    apart = made[:rows].sort(0).values - data[:rows].sort(0).values
    return apart.square().mean().sqrt() / data.std(0).square().mean().sqrt()


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
