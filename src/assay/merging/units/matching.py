"""The assignment of units that fits best: the Hungarian method, by shortest augmenting paths."""

from __future__ import annotations

import torch


def assign(gains: torch.Tensor) -> torch.Tensor:
    """Returns for each row the column that it gets, so that the sum of gains is largest.

    Exact, in the form of Jonker and Volgenant 1987: prices are kept such that no pair costs less
    than its prices say, rows whose cheapest column is free take it, and each further row takes
    the shortest path of exchanges. O(n^3) at worst, with the innermost loop in torch.

    Args:
        gains: Finite, [n, n].
    """
    costs = -gains.double()
    many = len(costs)
    # column prices first: many rows then have a cheapest column of their own
    price = costs.min(0).values
    cheapest = (costs - price).min(1)
    taken_by = torch.full((many,), -1, dtype=torch.long)  # by column
    has = torch.full((many,), -1, dtype=torch.long)  # by row
    for row, column in enumerate(cheapest.indices.tolist()):
        if taken_by[column] < 0:
            taken_by[column], has[row] = row, column
    rows = cheapest.values  # the price of a row
    for start in (has < 0).nonzero().reshape(-1).tolist():
        _augment(costs, rows, price, taken_by, has, start)
    return has


def _augment(
    costs: torch.Tensor, rows: torch.Tensor, price: torch.Tensor, taken_by: torch.Tensor,
    has: torch.Tensor, start: int,
) -> None:  # fmt: skip
    """Gives one more row a column, by Dijkstra's search over exchanges."""
    many = len(costs)
    distance = torch.full((many,), torch.inf, dtype=costs.dtype)
    before = torch.zeros(many, dtype=torch.long)
    done = torch.zeros(many, dtype=torch.bool)
    row, length = start, 0.0
    reached: list[int] = []
    while True:
        ahead = length + costs[row] - rows[row] - price
        shorter = (ahead < distance) & ~done
        distance[shorter] = ahead[shorter]
        before[shorter] = row
        column = int(torch.where(done, torch.inf, distance).argmin())
        length = float(distance[column])
        done[column] = True
        if taken_by[column] < 0:
            break
        reached.append(column)
        row = int(taken_by[column])
    # prices that keep every pair on the path as cheap as it can be
    rows[start] += length
    for each in reached:
        rows[taken_by[each]] += length - distance[each]
        price[each] -= length - distance[each]
    while True:
        row = int(before[column])
        taken_by[column] = row
        column, has[row] = int(has[row]), column
        if row == start:
            return
