"""Each method against its paper's formula, entry by entry in float64 and in plain Python."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import pytest
import torch

from assay.merging.methods import METHODS, Given, MethodError, read_method
from assay.merging.methods.trimming import Trim

A, B, C, BASE = (
    [3.0, -1.0, 0.5, 0.0, 2.0, -4.0],
    [1.0, -2.0, -0.25, 6.0, 2.5, 4.5],
    [-0.5, -3.0, 1.0, 1.25, 0.125, -1.5],
    [1.0, -1.0, 0.25, 0.5, 2.0, 0.0],
)
FISHERS = ([1.0, 0.0, 2.0, 0.5, 4.0, 1.0], [3.0, 0.0, 2.0, 0.0, 1.0, 1e-9], [0.0] * 6)
Rows = list[list[float]]


def dot(a: list[float], b: list[float]) -> float:
    return math.fsum(x * y for x, y in zip(a, b, strict=True))


def deltas(rows: Rows) -> Rows:
    return [[x - b for x, b in zip(row, BASE, strict=True)] for row in rows]


def mean(rows: Rows, weights: list[float]) -> list[float]:
    total = math.fsum(weights)
    return [
        math.fsum(w * x for w, x in zip(weights, column, strict=True)) / total
        for column in zip(*rows, strict=True)
    ]


def from_base(scale: float, row: list[float]) -> list[float]:
    return [b + scale * x for b, x in zip(BASE, row, strict=True)]


def largest(row: list[float], many: int) -> list[float]:
    kept = sorted(range(len(row)), key=lambda i: -abs(row[i]))[:many]
    return [x if i in kept else 0.0 for i, x in enumerate(row)]


def slerp(rows: Rows, weights: list[float]) -> list[float]:
    a, b = rows
    angle = math.acos(dot(a, b) / math.sqrt(dot(a, a) * dot(b, b)))
    one, two = math.sin(0.75 * angle) / math.sin(angle), math.sin(0.25 * angle) / math.sin(angle)
    return [one * x + two * y for x, y in zip(a, b, strict=True)]


def elected(rows: Rows, weights: list[float]) -> list[float]:
    found = []
    for column in zip(*rows, strict=True):
        total = math.fsum(w * x for w, x in zip(weights, column, strict=True))
        agree = [(w, x) for w, x in zip(weights, column, strict=True) if x * total > 0]
        share = math.fsum(w for w, _ in agree)
        found.append(math.fsum(w * x for w, x in agree) / share if agree else 0.0)
    return found


def ties(rows: Rows, weights: list[float]) -> list[float]:
    return from_base(0.7, elected([largest(d, 3) for d in deltas(rows)], weights))


def arithmetic(rows: Rows, weights: list[float]) -> list[float]:
    total = [math.fsum(w * x for w, x in zip(weights, column, strict=True))
             for column in zip(*deltas(rows), strict=True)]  # fmt: skip
    return from_base(0.4, total)


def stock(rows: Rows, weights: list[float]) -> list[float]:
    apart, many = deltas(rows), len(rows)
    pairs = [dot(a, b) / math.sqrt(dot(a, a) * dot(b, b)) for a, b in combinations(apart, 2)]
    cosine = max(sum(pairs) / len(pairs), 0.0)
    t = many * cosine / (1 + (many - 1) * cosine)
    return [t * m + (1 - t) * b for m, b in zip(mean(rows, [1.0] * many), BASE, strict=True)]


def fisher(rows: Rows, weights: list[float]) -> list[float]:
    found = []
    for i in range(len(BASE)):
        importance = [w * max(f[i], 1e-6) for w, f in zip(weights, FISHERS, strict=True)]
        found.append(dot(importance, [row[i] for row in rows]) / math.fsum(importance))
    return found


def pruned(rows: Rows, weights: list[float]) -> list[float]:
    kept = [largest(row, 3) for row in rows]
    found = []
    for column in zip(*kept, strict=True):
        own = [(w, x) for w, x in zip(weights, column, strict=True) if x]
        share = math.fsum(w for w, _ in own)
        found.append(math.fsum(w * x for w, x in own) / share if own else 0.0)
    return found


def alike(rows: Rows, weights: list[float], *, euclidean: bool) -> list[float]:
    shares = []
    for i, row in enumerate(rows):
        others = [other for j, other in enumerate(rows) if j != i]
        if euclidean:
            near = [math.dist(row, other) for other in others]
            shares.append(weights[i] * len(near) / math.fsum(near))
        else:
            near = [dot(row, o) / math.sqrt(dot(row, row) * dot(o, o)) for o in others]
            shares.append(weights[i] * max(math.fsum(near) / len(near), 0.0))
    return mean(rows, shares)


def linear(rows: Rows, weights: list[float]) -> list[float]:
    return mean(rows, [0.75, 0.25])


def no_rescale(rows: Rows, weights: list[float]) -> list[float]:
    return from_base(1.0, elected(deltas(rows), weights))


FORMULAS: list[tuple[str, Callable[[Rows, list[float]], list[float]], int]] = [
    ("average", mean, 3),
    ("linear,t=0.25", linear, 2),
    ("slerp,t=0.25", slerp, 2),
    ("similarity", lambda rows, weights: alike(rows, weights, euclidean=False), 3),
    ("similarity,by=euclidean", lambda rows, weights: alike(rows, weights, euclidean=True), 3),
    ("task-arithmetic,scale=0.4", arithmetic, 3),
    ("ties,density=0.5,scale=0.7", ties, 3),
    ("dare,density=1,then=ties", no_rescale, 3),
    ("dare,density=1,scale=0.4", arithmetic, 3),
    ("model-stock", stock, 2),
    ("model-stock", stock, 3),
    ("fisher", fisher, 3),
    ("pruned,density=0.5", pruned, 3),
]


def merged(text: str, rows: Rows, weights: list[float]) -> torch.Tensor:
    def tensor(row: list[float]) -> torch.Tensor:
        return torch.tensor(row, dtype=torch.float64).reshape(2, 3)

    given = Given("w", [tensor(r) for r in rows], weights, tensor(BASE), [*map(tensor, FISHERS)])
    return read_method(text).merge(given)


@pytest.mark.parametrize(("text", "formula", "many"), FORMULAS)
@pytest.mark.parametrize("weights", [[1.0, 1.0, 1.0], [0.5, 2.0, 0.25]])
def test_a_method_is_its_formula(
    text: str,
    formula: Callable[[Rows, list[float]], list[float]],
    many: int,
    weights: list[float],
) -> None:
    rows = [A, B, C][:many]
    expected = formula(rows, weights[:many])
    found = merged(text, rows, weights[:many])
    assert found.reshape(-1).tolist() == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert found.shape == (2, 3)


def test_all_methods_are_in_the_table() -> None:
    assert {text.partition(",")[0] for text, _, _ in FORMULAS} == set(METHODS)


def test_dare_drops_the_share_asked_for_and_keeps_the_expectation() -> None:
    base, tensor = torch.zeros(200, 500), torch.full((200, 500), 3.0)
    method = read_method("dare,density=0.25,seed=7")
    found = method.merge(Given("w", [tensor], [1.0], base))
    assert set(found.unique().tolist()) == {0.0, 12.0}
    # 100,000 draws: five standard deviations of their mean are 0.082
    assert float(found.mean()) == pytest.approx(3.0, abs=0.085)
    assert torch.equal(found, method.merge(Given("w", [tensor], [1.0], base)))
    assert not torch.equal(found, method.merge(Given("other", [tensor], [1.0], base)))
    two = read_method("dare,density=0.25").merge(Given("w", [tensor] * 2, [1.0, -1.0], base))
    assert two.any(), "each input must have drops of its own"


def test_what_goes_entry_by_entry_is_the_same_in_pieces() -> None:
    for text, _, many in FORMULAS:
        if METHODS[text.partition(",")[0]].by_entry:
            rows = [torch.tensor(row) for row in (A, B, C)[:many]]
            base, fishers = torch.tensor(BASE), [torch.tensor(row) for row in FISHERS]
            method, weights = read_method(text), [0.5, 2.0, 0.25][:many]
            whole = method.merge(Given("w", rows, weights, base, fishers))
            parts = [
                Given("w", [r[part] for r in rows], weights, base[part], [f[part] for f in fishers])
                for part in (slice(0, 2), slice(2, 6))
            ]
            trim = method.trim(many, 6, wide=False)
            for _ in range(trim.passes if trim else 0):
                for part in parts:
                    trim.see(method.looked_at(part))
                trim.turn()
            halves = [method.merge(replace(part, trim=trim)) for part in parts]
            assert torch.equal(torch.cat(halves), whole), text


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_stays_is_what_a_sort_would_keep(dtype: torch.dtype) -> None:
    made = torch.Generator().manual_seed(0)
    random = torch.randn(500, generator=made, dtype=dtype)
    for values in (random, random.round(), torch.zeros(500, dtype=dtype), random * 1e-40):
        for keep in (0, 1, 137, 499, 500):
            trim = Trim(1, keep, wide=dtype is torch.float64)
            pieces = values.split(90)
            for _ in range(trim.passes):
                for piece in pieces:
                    trim.see([piece])
                trim.turn()
            found = torch.cat([trim.kept(0, piece) for piece in pieces])
            order = values.abs().sort(descending=True, stable=True).indices[:keep]
            expected = torch.zeros_like(values)
            expected[order] = values[order]
            assert torch.equal(found, expected)


def test_slerp_of_parallel_tensors_and_of_zeros_is_the_straight_line() -> None:
    one = torch.tensor([1.0, 2.0], dtype=torch.float64)
    method = read_method("slerp")
    assert method.merge(Given("w", [one, 3 * one], [])).tolist() == [2.0, 4.0]
    assert method.merge(Given("w", [one, 0 * one], [])).tolist() == [0.5, 1.0]


def test_inputs_are_left_as_they_were() -> None:
    for text, _, many in FORMULAS:
        rows = [torch.tensor(row, dtype=torch.float64) for row in (A, B, C)[:many]]
        base = torch.tensor(BASE, dtype=torch.float64)
        fishers = [torch.tensor(row, dtype=torch.float64) for row in FISHERS]
        before = [t.clone() for t in (*rows, base, *fishers)]
        read_method(text).merge(Given("w", rows, [1.0] * many, base, fishers))
        for was, now in zip(before, (*rows, base, *fishers), strict=True):
            assert torch.equal(was, now), text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tie", "no method is called 'tie'; did you mean ties?"),
        ("ties,densty=1", "ties has no option 'densty': it takes density, scale"),
        ("ties,density=2", "ties: density is a number from 0 to 1, received '2'"),
        ("ties,density=nan", "received 'nan'"),
        ("ties,density", "expected key=value once each, received 'density'"),
        ("ties,density=1,density=0", "once each"),
        ("dare,seed=0.5", "dare: seed is a whole number"),
        ("dare,then=average", "dare: then is one of sum, ties, received 'average'"),
        ("average,t=1", "average has no option 't': it takes none"),
    ],
)
def test_what_is_no_method_is_said(text: str, says: str) -> None:
    with pytest.raises(MethodError) as told:
        read_method(text)
    assert says in str(told.value)
