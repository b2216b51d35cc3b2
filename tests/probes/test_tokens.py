"""How token ids of evaluations differ from those of training."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from assay.journal.events import EVAL_TOKENS
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
