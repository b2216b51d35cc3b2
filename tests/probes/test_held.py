"""What one input held over all its batches, number by number; and padding at its ends."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from assay.probes.data import contents
from assay.probes.data.contents import Contents, Held, padded_share, part_dims
from assay.probes.data.parts import Moments, Part

from .noting import Noting


def held(*batches: Tensor, out: bool = False) -> Held:
    made = Held()
    for batch in batches:
        made.add(batch, held_out=out)
    return made


@pytest.mark.parametrize(
    ("shape", "dims"),
    [
        ((8, 5), [1]),
        ((8, 5, 6), [1, 2]),
        ((8, 3, 16, 16), [1]),
        ((8, 16, 16, 3), [3]),
        ((8, 16, 16, 4), [3]),
        ((8, 16, 16, 5), [1]),
        ((8, 4, 4, 4), [1]),
        ((8, 5, 4, 4), [3]),
        ((8, 3, 4, 5, 6), [1]),
        ((8,), []),
        ((1, 1, 1, 1, 1, 1), []),
        ((2, 4096), [1]),
        ((2, 4097), []),
        ((2, 4097, 5), [2]),
    ],
)
def test_dimensions_of_parts(shape: Any, dims: list[int]) -> None:
    assert part_dims(torch.zeros(shape)) == dims
    assert part_dims(torch.zeros(shape).long()) == []


def test_ranges_of_parts_over_batches() -> None:
    first = torch.tensor([[1.0, 0.0, 5.0, 0.0, 2.0], [1.0, 1.0, 6.0, 3.0, 2.0]])
    more = torch.tensor([[1.0, 1.0, 7.0, 1.0, 3.0], [1.0, 0.0, 8.0, 3.0, 3.0]])
    part = Part(1, first)
    part.add(first)
    assert part.facts() == {
        "dim": 1, "size": 5, "constant": 2, "which": [0, 4], "values": [1.0, 2.0], "two_valued": 3,
    }  # fmt: skip
    part.add(more)
    assert part.facts() == {
        "dim": 1, "size": 5, "constant": 1, "which": [0], "values": [1.0], "two_valued": 2,
    }  # fmt: skip
    part.add(first - 4)
    assert part.facts()["two_valued"] == 1
    pictures = Part(1, torch.zeros(2, 20, 3, 3))
    pictures.add(torch.arange(20.0)[:, None, None].expand(2, 20, 3, 3))
    assert pictures.facts()["which"] == list(range(16))
    assert pictures.facts()["constant"] == 20


def test_a_value_between_two_of_one_batch() -> None:
    for middle, two in ((0.0, 1), (0.5, 0), (1.0, 1)):
        part = Part(1, torch.zeros(3, 1))
        part.add(torch.tensor([[0.0], [middle], [1.0]]))
        assert part.facts()["two_valued"] == two
    part = Part(1, torch.zeros(1, 1))
    for value, two in ((0.0, 0), (2.0, 1), (1.0, 0)):
        part.add(torch.tensor([[value]]))
        assert part.facts()["two_valued"] == two


def test_moments_are_those_of_all_numbers() -> None:
    one, two = torch.randn(6, 3, 4), torch.randn(2, 3, 4) + 5
    moments = Moments()
    assert moments.facts("a_") == {"a_mean": None, "a_std": None, "a_part_means": []}
    moments.add(one, 1)
    moments.add(two, 1)
    both = torch.cat([one, two]).double()
    assert moments.facts("a_") == {
        "a_mean": pytest.approx(float(both.mean())),
        "a_std": pytest.approx(float(both.std(correction=0))),
        "a_part_means": pytest.approx(both.mean((0, 2)).tolist()),
    }
    flat = Moments()
    flat.add(torch.tensor([1.0, 2.0, 6.0]), 0)
    assert flat.facts("") == {"mean": 3.0, "std": pytest.approx((14 / 3) ** 0.5),
                              "part_means": [3.0]}  # fmt: skip
    wide = Moments()
    wide.add(torch.zeros(2, 20), 1)
    assert len(wide.facts("")["part_means"]) == 16
    assert wide.facts("")["std"] == 0


X = torch.tensor([[0.0, 1.0, 4.0], [1.0, 1.0, 1.0], [0.0, 0.0, 3.0]])


def test_counts_ranges_and_kinds() -> None:
    one = held(X, X[:1] - 7)
    assert (one.batches, one.rows, one.shape, one.varies) == (2, 4, (3,), False)
    assert (float(one.low), float(one.high)) == (-7, 4)
    assert not one.binary
    assert not one.unchanged
    same = held(X[:1].expand(3, 3), X[:1])
    assert same.unchanged
    assert not held(X[:1].expand(3, 3), X[:2]).unchanged
    assert held((X > 0).float(), (X > 2).long()).binary
    assert not held(X).binary
    assert not held(X[:, :1], X[1:, :1] * 2).binary
    other = held(X, X[:, :2])
    assert other.varies
    assert not other.unchanged
    assert other.rows == 6
    assert other.moments.count == 3
    small = held(torch.tensor([200, 100], dtype=torch.uint8))
    assert (float(small.low), float(small.high)) == (100, 200)


def test_rows_outside_of_what_training_had() -> None:
    training = held(X, X + 1)
    assert training.row_range is not None
    low, high = training.row_range
    means, spreads = [5 / 3, 1, 1, 8 / 3, 2, 2], [float(X[0].std(correction=0)), 0, 2**0.5]
    assert low.tolist() == pytest.approx([min(means), min(spreads)])
    assert high.tolist() == pytest.approx([max(means), max(spreads)])
    new = torch.tensor([[2.0, 2.0, 2.0], [9.0, 9.0, 9.0], [0.0, 0.0, 6.0], [0.0, 0.0, 0.0]])
    assert held(new, out=True).outside(training) == 0.75
    assert held(X, new[:1], out=True).outside(training) == 0
    assert held(new, out=True).row_range is None
    assert training.row_numbers == []
    assert held(new, out=True).outside(held(X[:, :2])) is None
    assert held(out=True).outside(training) is None
    assert held(new, out=True).outside(held()) is None
    assert held(X[:, :1], out=True).row_numbers == []
    assert held(X[:, 0], out=True).row_numbers == []


def test_the_rows_of_training_are_inside_and_those_a_little_beyond_are_not() -> None:
    rows = torch.tensor([[-3000.0, -3000.0], [-2999.99, -2999.99]])
    training = held(rows)
    assert held(rows, out=True).outside(training) == 0
    for beyond in (-0.001, 0.011):
        assert held(rows[:1] + beyond, out=True).outside(training) == 1


def test_512_rows_of_evaluations_are_kept() -> None:
    many = torch.randn(300, 3)
    for count, kept in ((1, 300), (2, 600), (3, 600)):
        one = held(*[many] * count, out=True)
        assert sum(rows.shape[1] for rows in one.row_numbers) == kept
    assert held(torch.randn(700, 3), out=True).row_numbers[0].shape == (2, 512)


def test_large_batches_are_looked_at_in_part() -> None:
    assert len(contents._some(torch.zeros(5, 1 << 19))) == 2
    assert len(contents._some(torch.zeros(2, 1 << 21))) == 1
    assert len(contents._some(torch.zeros(5, 3))) == 5
    assert contents._some(torch.tensor(3.0)).shape == (1,)
    assert len(contents._some(torch.zeros(4, 0))) == 4


def test_a_batch_that_is_the_same_cut_each_time() -> None:
    whole = torch.randn(40, 3)
    for batches, cut in (
        ([whole[8:16]], (40, 24)),
        ([whole[8:16], whole[8:16]], (40, 24)),
        ([whole[8:16], whole[16:24]], None),
        ([whole[8:16], whole[16:24], whole[8:16]], None),
        ([whole, whole], None),
        ([whole[:]], None),
    ):
        assert held(*batches).cut == cut
    kept = whole[8:16]
    assert held(kept, kept).cut is None
    assert held(whole[8:16], out=True).cut is None


TOKENS = torch.tensor([[1, 2, 3, 4, 0, 0], [5, 6, 7, 8, 1, 2], [3, 4, 0, 0, 0, 0]])


@pytest.mark.parametrize(
    ("batch", "share"),
    [
        (TOKENS, 6 / 18),
        (TOKENS.flip(1), 6 / 18),
        (TOKENS.masked_fill(TOKENS == 0, 9), 6 / 18),
        (TOKENS[:, :, None] * torch.ones(2), 6 / 18),
        (TOKENS[:, :, None] * torch.tensor([0.0, 1.0]), 6 / 18),
        (torch.ones(3, 4).long(), 0.0),
        (TOKENS[:, :3], None),
        (TOKENS[:, :4], 2 / 12),
        (TOKENS.float(), None),
        (TOKENS[:, :, None], None),
        (TOKENS[0], None),
    ],
)
def test_padding_at_an_end(batch: Tensor, share: float | None) -> None:
    found = padded_share(batch)
    assert (found if found is None else float(found)) == (share and pytest.approx(share))


def told(kind: str, watch: Noting) -> list[dict[str, Any]]:
    return [data for name, data in watch.events if name == kind]


def test_what_is_written_and_when() -> None:
    watch = Noting()
    probe = Contents(watch)
    for number in range(5):
        probe.add("x", X + number)
    assert [data["batches"] for data in told("input_contents", watch)] == [1, 2, 4]
    probe.finish()
    probe.finish()
    (*_, last) = told("input_contents", watch)
    assert len(told("input_contents", watch)) == 4
    assert (last["batches"], last["rows"], last["shape"]) == (5, 15, [3])
    assert (last["unchanged"], last["binary"], last["varies"], last["cut_from"]) == (
        False, False, False, 0,
    )  # fmt: skip
    assert last["parts"][0]["size"] == 3
    assert watch.numbers["input_rows_equal_share", "x"] == pytest.approx(1 / 3)
    assert told("eval_contents", watch) == []


def test_evaluations_beside_training() -> None:
    watch = Noting()
    probe = Contents(watch)
    probe.add_held_out("y", X)
    probe.add("x", X)
    probe.add_held_out("x", X + 2)
    probe.finish()
    (data,) = told("eval_contents", watch)
    assert (data["rows"], data["training_rows"]) == (3, 3)
    assert (data["low"], data["high"], data["eval_low"], data["eval_high"]) == (0, 4, 2, 6)
    assert data["eval_mean"] == pytest.approx(data["mean"] + 2)
    assert data["eval_std"] == pytest.approx(data["std"])
    assert data["outside_share"] == 1
    probe.add_held_out("x", X)
    probe.finish()
    assert len(told("eval_contents", watch)) == 2
    assert "y" not in probe._held


def test_what_is_left_alone() -> None:
    watch = Noting()
    probe = Contents(watch)
    for tensor in (X > 0, X + 0j, X.to_sparse(), X[:0]):
        probe.add("x", tensor)
    assert watch.events == []
    for number in range(9):
        probe.add(f"{number}", X)
    assert len(probe._held) == 8
    one = Contents(Noting())
    one.add("x", X[:1])
    assert one.watch.numbers == {}  # type: ignore[attr-defined]


LINES: dict[str, Any] = {"file": "train.py", "made": [3, 5, 9], "loaders": [9], "splits": [],
                         "near": [4, 12], "call": 12}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({}, 5),
        ({"splits": [5]}, 3),
        ({"splits": [3, 5]}, 5),
        ({"made": []}, 4),
        ({"made": [9]}, 4),
        ({"made": [], "near": [9, 12]}, 12),
        ({"made": [], "near": []}, 12),
    ],
)
def test_the_line_that_made_the_data(changed: Any, line: int) -> None:
    made: Any = SimpleNamespace(**{**LINES, **changed})
    assert contents._origin(made) == ["train.py", line, ""]
    assert contents._origin(None) is None
