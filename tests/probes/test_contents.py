"""What inputs hold: what never changes in them, and how rows of evaluations differ."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from assay.journal.events import EVAL_CONTENTS, INPUT_CONTENTS
from assay.probes.data.batches import Batches
from assay.probes.data.contents import Held, padded_share
from assay.probes.data.parts import Part
from assay.probes.evaluation.held_out import HeldOut
from assay.probes.model.structure import Structure

from .conftest import Watching


def train(model: nn.Module, batches: list[torch.Tensor]) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for batch in batches:
        optimizer.zero_grad()
        model(batch).square().mean().backward()
        optimizer.step()


def last(seen: Any, kind: Any = INPUT_CONTENTS) -> dict[str, Any]:
    return dict(list(seen.view.events(kind))[-1].data)


def test_features_that_never_change(watched: Watching) -> None:
    batches = [torch.randn(8, 5) for _ in range(6)]
    for batch in batches:
        batch[:, 1] = 2.5
        batch[:, 3] = (batch[:, 3] > 0).float()
    with watched(Structure, Batches) as seen:
        train(nn.Linear(5, 1), batches)
    data = last(seen)
    assert (data["batches"], data["rows"], data["shape"]) == (6, 48, [5])
    assert not data["unchanged"]
    assert data["parts"] == [
        {"dim": 1, "size": 5, "constant": 1, "which": [1], "values": [2.5], "two_valued": 1}
    ]


def test_a_value_that_was_the_largest_once_lies_between() -> None:
    part = Part(1, torch.tensor([[0.0], [1.0]]))
    part.add(torch.tensor([[0.0], [1.0]]))
    assert part.facts()["two_valued"] == 1
    part.add(torch.tensor([[0.0], [2.0]]))
    assert part.facts()["two_valued"] == 0


def test_rows_that_are_all_equal(watched: Watching) -> None:
    with watched(Structure, Batches) as seen:
        train(nn.Linear(3, 1), [torch.ones(4, 3), torch.ones(4, 3)])
    assert last(seen)["unchanged"]
    shares = seen.view.trainings[0].series("input_rows_equal_share", "input 0").values
    assert list(shares) == [1.0, 1.0]
    with watched(Structure, Batches) as seen:
        train(nn.Linear(3, 1), [torch.tensor([[1.0] * 3] * 3 + [[2.0] * 3])])
    assert not last(seen)["unchanged"]
    assert seen.view.trainings[0].series("input_rows_equal_share", "input 0").last == 0.75


def test_sequences_of_any_length(watched: Watching) -> None:
    with watched(Structure, Batches) as seen:
        train(nn.Linear(3, 2), [torch.randn(4, n, 3) for n in (5, 6)])
    data = last(seen)
    assert data["varies"]
    assert data["parts"] == []


def test_a_slice_of_a_larger_tensor(watched: Watching) -> None:
    whole = torch.randn(40, 3)
    with watched(Structure, Batches) as seen:
        train(nn.Linear(3, 1), [whole[8:16] for _ in range(3)])
    assert last(seen)["cut_from"] == 40
    kept = whole[8:16]
    with watched(Structure, Batches) as seen:
        train(nn.Linear(3, 1), [kept, kept, kept])
    assert last(seen)["cut_from"] == 0, "cut once"
    with watched(Structure, Batches) as seen:
        train(nn.Linear(3, 1), [whole[0:8], whole[8:16]])
    assert last(seen)["cut_from"] == 0, "it moves on"


def test_rows_of_evaluations(watched: Watching) -> None:
    model = nn.Linear(6, 1)
    batches = [torch.randn(16, 6) for _ in range(5)]
    mean, held = 2.0, torch.randn(16, 6)
    with watched(Structure, Batches, HeldOut) as seen:
        train(model, batches)
        model.eval()
        with torch.no_grad():
            model(torch.cat([held[:8] + 100, batches[0][:8]]))
    data = last(seen, EVAL_CONTENTS)
    assert (data["rows"], data["training_rows"]) == (16, 80)
    assert data["outside_share"] == 0.5
    every = torch.cat(batches).double()
    assert abs(data["mean"] - float(every.mean())) < 1e-6
    assert abs(data["std"] - float(every.std(correction=0))) < 1e-6
    assert mean < data["eval_mean"]


def test_what_has_no_numbers_is_left_alone(watched: Watching) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(9, 4)

        def forward(self, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return self.embedding(tokens) * mask[..., None]

    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with watched(Structure, Batches) as seen:
        for _ in range(2):
            tokens = torch.randint(0, 9, (4, 5))
            net(tokens, tokens > 2).sum().backward()
            optimizer.step()
    (place,) = {event.data["place"] for event in seen.view.events(INPUT_CONTENTS)}
    assert place == "input 0"
    assert last(seen)["parts"] == []


def test_padding_at_either_end() -> None:
    tokens = torch.tensor([[3, 4, 0, 0], [3, 4, 5, 0]])
    share = padded_share(tokens)
    assert share is not None
    assert float(share) == 3 / 8
    assert float(padded_share(tokens.flip(1)) or 0.0) == 3 / 8
    one_length = torch.tensor([[3, 4, 5, 0], [3, 4, 6, 0]])
    assert float(padded_share(one_length) or 0.0) == 0
    frames = torch.ones(2, 4, 3)
    frames[0, 2:] = 0
    assert float(padded_share(frames) or 0.0) == 2 / 8
    assert padded_share(torch.ones(2, 3, 3)) is None
    assert padded_share(torch.ones(2, 8)) is None


def test_one_sample_without_a_batch(watched: Watching) -> None:
    model = nn.Linear(4, 2)
    with watched(Structure, Batches, HeldOut) as seen:
        train(model, [torch.randn(4) for _ in range(3)])
        model.eval()
        with torch.no_grad():
            model(torch.randn(4))
    assert last(seen)["shape"] == []
    assert last(seen, EVAL_CONTENTS)["outside_share"] is None


def test_rows_outside_of_what_training_had() -> None:
    training, other = Held(), Held()
    training.shape = other.shape = (4,)
    assert other.outside(training) is None
    ranges = torch.tensor([[1000.0, 0.0], [1001.0, 1.0]], dtype=torch.float64)
    training.row_range = ranges[0], ranges[1]
    assert other.outside(training) is None
    for mean, share in ((1001.0, 0.0), (1000.9995, 0.0), (1001.0005, 0.5), (999.9995, 0.5)):
        rows = torch.tensor([[1000.5, mean], [0.5, 0.5]], dtype=torch.float64)
        other.row_numbers = [rows]
        assert other.outside(training) == share, "the slack is a millionth of the range"
    other.row_numbers.append(torch.tensor([[1000.5, 999.0], [0.5, 2.0]], dtype=torch.float64))
    assert other.outside(training) == 0.5
    other.shape = (5,)
    assert other.outside(training) is None
