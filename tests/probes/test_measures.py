"""Norms, moments and shares against the standard library: usual, huge, tiny, empty, not finite."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, pstdev
from typing import Any

import pytest
import torch
from torch import Tensor

from assay.watching import measures
from assay.watching.measures import (
    changed_shares,
    inner,
    largest,
    moments,
    nonfinite_share,
    norm,
    norms,
    stored,
    summary,
    total,
    zero_share,
)

NAN, INF = math.nan, math.inf
CPU = torch.device("cpu")
ROWS: dict[str, list[float]] = {
    "usual": [3.0, -4.0, 12.0],
    "huge": [3e30, -4e30, 12e30],
    "beyond the square": [2e19, 2e19],
    "tiny": [3e-30, 4e-30],
    "just below": [3e-20, 4e-20],
    "zeros": [0.0, 0.0],
    "one": [-7.0],
    "far from zero": [1e6, 1e6 + 1, 1e6 + 2],
}


def same(found: Any, expected: float, rel: float = 1e-6) -> bool:
    value = float(found)
    return (math.isnan(value) and math.isnan(expected)) or value == pytest.approx(
        expected, rel=rel, abs=0.0 if expected else 1e-300
    )


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_norms_and_largest(row: list[float]) -> None:
    tensor = torch.tensor(row)
    exact = math.hypot(*tensor.tolist())
    assert same(norm(tensor), exact)
    assert same(norm(tensor.double()), exact)
    assert same(largest(tensor), max(map(abs, tensor.tolist())))


@pytest.mark.parametrize(
    ("row", "expected"),
    [([1.0, NAN], NAN), ([1.0, INF], INF), ([-INF, 2.0], INF), ([NAN, INF], NAN), ([], 0.0)],
)
def test_what_is_not_finite_shows_in_a_norm(row: list[float], expected: float) -> None:
    assert same(norm(torch.tensor(row)), expected)
    assert same(largest(torch.tensor(row)), expected)


def test_norms_of_many_kinds_keep_their_order() -> None:
    tensors = [
        torch.tensor([3.0, 4.0]), torch.tensor([6.0, 8.0]).half(), torch.tensor([1e20, 0.0]),
        torch.tensor([5.0, 12.0], dtype=torch.float64), torch.tensor([300.0] * 100).half(),
        torch.tensor([3 + 4j]),
    ]  # fmt: skip
    found = [float(value) for value in norms(tensors)]
    assert found == pytest.approx([5.0, 10.0, 1e20, 13.0, 3000.0, 5.0], rel=1e-3)
    assert norms([]) == []
    assert same(largest(torch.tensor([3 + 4j, 1 + 0j])), 5.0)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [([], 0.0), ([3.0], 3.0), ([3.0, 4.0], 5.0), ([3e30, 4e30], 5e30), ([1.0, NAN], NAN)],
)
def test_the_norm_of_several_together(parts: list[float], expected: float) -> None:
    assert same(total([torch.tensor(part) for part in parts]), expected)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([1.0, 2.0], [3.0, 4.0], 11.0),
        ([1e30], [1e30], 1e60),
        ([1e-30], [1e-10], 1e-40),
        ([1e20, 1e20], [1e20, -1e20], 0.0),
        ([0.0], [5.0], 0.0),
    ],
)
def test_inner_products(first: list[float], second: list[float], expected: float) -> None:
    one, other = torch.tensor(first), torch.tensor(second)
    assert same(inner([one], [other]), expected)
    assert same(inner([one, one], [other, torch.zeros_like(other)]), expected)
    halves = inner([torch.ones(4).half() * 200], [torch.ones(4).half() * 200])
    assert same(halves, 160_000.0)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_moments(row: list[float]) -> None:
    tensor = torch.tensor(row)
    values = tensor.tolist()
    mean, std = moments(tensor)
    assert same(mean, fmean(values))
    assert same(std, pstdev(values), rel=1e-5)


def test_moments_whose_sum_or_square_overflows() -> None:
    mean, std = moments(torch.tensor([3e38, 3e38, 3e38, -3e38]))
    assert same(mean, 1.5e38)
    assert same(std, pstdev([3.0, 3.0, 3.0, -3.0]) * 1e38, rel=1e-5)
    mean, std = moments(torch.tensor([3e38, -3e38] * 8))  # partial sums are inf and -inf
    assert (float(mean), float(std)) == (0.0, pytest.approx(3e38))
    mean, std = moments(torch.tensor([1.0, INF]))
    assert not math.isfinite(float(std))
    mean, std = moments(torch.tensor([60000.0] * 8).half())
    assert (float(mean), float(std)) == (60000.0, 0.0)


@pytest.mark.parametrize(
    "row",
    [
        [1.0, 2.0, 6.0],
        [1.0, NAN, 3.0, INF],
        [-INF, 2.0, 2.0],
        [INF, -INF, NAN, 5.0, -1.0, 2.5],
        [3e38, 3e38],
        [1e20, -1e20, 3e20],
        [1e20, NAN],
        [NAN, NAN],
        [-INF],
        [2.0],
    ],
    ids=str,
)
def test_summaries(row: list[float]) -> None:
    tensor = torch.tensor(row)
    values = [value for value in tensor.tolist() if math.isfinite(value)]
    found = summary(tensor)
    assert same(found.mean, fmean(values) if values else NAN)
    assert same(found.std, pstdev(values) if values else NAN, rel=1e-5)
    assert same(found.low, min(values, default=NAN))
    assert same(found.high, max(values, default=NAN))
    assert same(found.total, math.fsum(values))
    assert same(found.nonfinite_share, 1 - len(values) / len(row))
    assert same(found.nan_share, sum(math.isnan(v) or v == INF for v in row) / len(row))


@pytest.mark.parametrize(
    ("row", "expected"), [([1.0, 2.0], 0.0), ([NAN, 2.0, INF, 1.0], 0.5), ([INF], 1.0)]
)
def test_shares_that_are_not_finite(row: list[float], expected: float) -> None:
    tensor = torch.tensor(row)
    assert float(nonfinite_share(tensor, tensor.sum())) == expected
    assert float(nonfinite_share(torch.tensor([1.0]), torch.tensor(INF))) == 0.0


@pytest.mark.parametrize(
    ("row", "expected"), [([0.0, -0.0, 1e-40, 2.0], 0.5), ([1.0], 0.0), ([0.0], 1.0), ([NAN], 0.0)]
)
def test_shares_of_zeros(row: list[float], expected: float) -> None:
    assert float(zero_share(torch.tensor(row))) == expected


def test_shares_that_changed() -> None:
    pairs: Sequence[tuple[Tensor, Tensor]] = [
        (torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([1.0, 5.0, 3.0, 4.0])),
        (torch.tensor([NAN, 1.0]), torch.tensor([NAN, 1.0])),
        (torch.ones(2, 2), torch.ones(2, 2)),
    ]
    shares, together = changed_shares(pairs)
    assert [float(share) for share in shares] == [0.25, 0.5, 0.0]
    assert float(together) == pytest.approx(2 / 10)


def test_changes_of_a_tensor_that_lies_otherwise_in_memory() -> None:
    before = torch.arange(6.0).reshape(2, 3)
    after = before.t().contiguous().t()
    after[0, 1] = 9.0
    assert after.stride() != before.stride()
    shares, together = changed_shares([(before, after)])
    assert [float(share) for share in shares] == [pytest.approx(1 / 6)]
    assert float(together) == pytest.approx(1 / 6)


def test_stored_values() -> None:
    dense = torch.tensor([1.0, 0.0], requires_grad=True)
    assert not stored(dense).requires_grad
    assert stored(dense).tolist() == [1.0, 0.0]
    twice = torch.sparse_coo_tensor([[1, 1, 0]], [1.0, 2.0, 5.0], (3,), check_invariants=False)
    assert stored(twice).tolist() == [5.0, 3.0], "what stands twice at a place is added"


def test_the_widest_types() -> None:
    mps = torch.device("mps")
    wide = measures._wide
    assert [wide(CPU, torch.float16), wide(CPU, torch.complex64)] == [
        torch.float64, torch.complex128
    ]  # fmt: skip
    assert [wide(mps, torch.float16), wide(mps, torch.complex64)] == [
        torch.float32, torch.complex64
    ]  # fmt: skip
