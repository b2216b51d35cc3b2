"""How token ids of evaluations differ from those of training."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from assay.journal.events import EVAL_TOKENS
from assay.probes.data import tokens
from assay.probes.data.batches import Batches
from assay.probes.data.tokens import IDS_AT_MOST, Counts, compared
from assay.probes.evaluation.evaluation import Evaluation
from assay.probes.evaluation.held_out import HeldOut
from assay.probes.model.structure import Structure

from .conftest import Watching


def counts(*batches: list[list[int]]) -> Counts:
    held = Counts(torch.device("cpu"))
    for batch in batches:
        held.add(torch.tensor(batch))
    return held


def run(evaluated: torch.Tensor, *, scored: bool) -> None:
    model = nn.Sequential(nn.Embedding(9, 4), nn.Flatten(), nn.Linear(24, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(4):
        optimizer.zero_grad()
        model(torch.randint(0, 4, (20, 6))).square().mean().backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        answer = model(evaluated)
        if scored:
            F.mse_loss(answer, torch.zeros_like(answer))


@pytest.mark.parametrize("scored", [True, False])
def test_what_evaluations_gave(watched: Watching, no_haste: None, scored: bool) -> None:
    with watched(Structure, Batches, Evaluation, HeldOut) as seen:
        run(torch.randint(4, 8, (20, 6)), scored=scored)
    (event,) = seen.view.events(EVAL_TOKENS)
    data: dict[str, Any] = dict(event.data)
    assert (data["rows"], data["training_rows"]) == (20, 80)
    assert data["scored"] == scored
    assert (data["apart"], data["met"]) == (pytest.approx(1.0), 0.0)
    assert data["shift"] == 4
    assert data["shifted_apart"] < 0.3


def test_padding_is_no_token_of_the_text() -> None:
    held = counts([[5, 3, 0, 0], [4, 4, 4, 4], [0, 0, 2, 1], [1, 2, 3, 4]])
    shares = held.shares()
    assert int((shares * 12).round()[0]) == 0
    assert [round(float(share) * 12) for share in shares[1:6]] == [2, 2, 2, 5, 1]
    assert held.padding() == (0, 0.5)


def test_distances_of_a_permuted_and_of_a_moved_vocabulary() -> None:
    one, moved = counts([[1, 1, 1, 2], [3, 2, 1, 5]]), counts([[3, 3, 3, 4], [5, 4, 3, 7]])
    data = compared(one, moved)
    assert (data["shift"], data["shifted_apart"], data["ranks_apart"]) == (2, 0.0, 0.0)
    assert data["apart"] > 0.5
    assert compared(one, one)["apart"] == 0.0


def test_ids_beyond_what_is_counted() -> None:
    assert compared(counts([[1, 2, 3, 4]]), counts([[1, 2, 3, IDS_AT_MOST]]))["beyond"]
    assert compared(counts([[1, 2, 3, 4]]), counts([[1, 2, 3, -1]]))["beyond"]


def real_ids(row: list[int]) -> tuple[list[int], list[int]]:
    """The ids of a row without the runs at its ends, and the ids of those runs."""
    left, pads = list(row), []
    for turn in (False, True):
        turned = row[::-1] if turn else row
        run = next((i for i, one in enumerate(reversed(turned)) if one != turned[-1]), len(row))
        if 1 < run < len(row):
            pads.append(turned[-1])
            left = left[run:] if turn else left[: len(left) - run]
    return left, pads


def test_ids_are_counted_row_by_row() -> None:
    torch.manual_seed(0)
    batches = [torch.randint(0, 3, (rows, 6)).tolist() for rows in (5, 7, 6)]
    held = counts(*batches)
    assert (held.rows, held.batches) == (18, 3)
    halves: list[Counter[int]] = [Counter(), Counter()]
    ends: Counter[int] = Counter()
    for number, batch in enumerate(batches):
        for row in batch:
            left, pads = real_ids(row)
            halves[number % 2].update(left)
            ends.update(pads)
    for half, expected in zip(held.halves, halves, strict=True):
        assert half[:4].tolist() == [expected[one] for one in range(4)]
    assert held.ends[:3].tolist() == [ends[one] for one in range(3)]
    (most, many), *_ = ends.most_common(1)
    assert held.padding() == (most, many / 18)
    assert Counts(torch.device("cpu")).padding() == (0, 0.0)
    both = halves[0] + halves[1]
    assert held.shares()[:3].tolist() == pytest.approx([both[i] / both.total() for i in range(3)])


def test_what_is_compared() -> None:
    one = counts([[1, 2, 3, 4], [2, 3, 4, 5]], [[1, 2, 3, 9]])
    other = counts([[2, 7, 7, 2], [3, 4, 0, 0]], [[7, 0, 0, 0]])
    other.scored = 1
    data = compared(one, other)
    known = {1: 2, 2: 3, 3: 3, 4: 2, 5: 1, 9: 1}
    asked = {2: 2, 7: 3, 3: 1, 4: 1}
    share = {i: (known.get(i, 0) / 12, asked.get(i, 0) / 7) for i in range(20)}
    assert data["tokens"] == 7
    assert data["scored"] == 0.5
    assert not data["beyond"]
    assert data["common"] == 6
    assert data["met"] == pytest.approx(4 / 7)
    assert data["apart"] == pytest.approx(sum(abs(a - b) for a, b in share.values()) / 2)
    first, second = {1: 1, 2: 2, 3: 2, 4: 2, 5: 1}, {1: 1, 2: 1, 3: 1, 9: 1}
    halves = sum(abs(first.get(i, 0) / 8 - second.get(i, 0) / 4) for i in range(20)) / 2
    assert data["halves_apart"] == pytest.approx(halves)
    neighbours = sum(abs(known.get(i - 1, 0) - known.get(i, 0)) for i in range(20)) / 12 / 2
    assert data["neighbours_apart"] == pytest.approx(neighbours)
    ranks = zip(sorted(a for a, _ in share.values()), sorted(b for _, b in share.values()),
                strict=True)  # fmt: skip
    assert data["ranks_apart"] == pytest.approx(sum(abs(a - b) for a, b in ranks) / 2)
    moved = {
        by: sum(abs(share.get(i - by, (0.0,))[0] - share[i][1]) for i in range(20)) / 2
        for by in range(-8, 9) if by
    }  # fmt: skip
    assert data["shifted_apart"] == pytest.approx(moved[data["shift"]])
    assert data["shifted_apart"] == pytest.approx(min(moved.values()))
    assert (data["more"], data["more_share"]) == (7, 0.0)
    assert data["more_eval_share"] == pytest.approx(3 / 7)
    assert (data["pad"], data["padded"]) == (None, 0.0)
    assert (data["eval_pad"], data["eval_padded"]) == (0, pytest.approx(2 / 3))
    assert (data["pad_in_eval"], data["eval_pad_in_training"]) == (pytest.approx(2 / 3), 0.0)


@pytest.mark.parametrize("by", [*range(-8, 0), *range(1, 9)])
def test_a_vocabulary_that_has_moved(by: int) -> None:
    row = [20, 21, 21, 23, 26, 26, 26, 31]
    data = compared(counts([row]), counts([[one + by for one in row]]))
    assert (data["shift"], data["shifted_apart"]) == (by, 0.0)


def test_what_is_no_text() -> None:
    good = torch.ones(2, 4, dtype=torch.int64)
    assert tokens._are_tokens(good)
    for other in (good.int(), good.short(), good[:1]):
        assert tokens._are_tokens(other)
    for other in (good.float(), good[:, :3], good[0], good[None], good[:0], good.to_sparse(),
                  good.byte()):  # fmt: skip
        assert not tokens._are_tokens(other)
