"""The series of one training: losses and rates, block by block."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from assay.journal.writer import FLUSH_SECONDS
from assay.watching import training
from assay.watching.numbers import Numbers
from assay.watching.training import STEPS_PER_LINE, ByHand, TrainingLog


class Blocks:
    """A journal that keeps what it is given."""

    def __init__(self) -> None:
        self.blocks: list[Any] = []

    def put_series(self, kind: str, name: str, values: list[Any], facts: dict[str, Any]) -> None:
        assert (kind, name) == ("steps", "loss")
        self.blocks.append((list(values), facts))


def log(monkeypatch: Any) -> tuple[Any, TrainingLog, SimpleNamespace]:
    time = SimpleNamespace(now=5.0)
    monkeypatch.setattr(training, "monotonic", lambda: time.now)
    journal: Any = Blocks()
    return journal, TrainingLog(3, torch.optim.SGD([torch.zeros(1)], 0.1), journal), time


def test_a_block_of_steps(monkeypatch: Any) -> None:
    journal, made, time = log(monkeypatch)
    for loss in (1.0, None, torch.tensor(2.5), torch.tensor(0.5, dtype=torch.float64)):
        made.note(loss, [0.1], time.now)
    assert made.step == 4
    time.now = 6.0
    made.write()
    made.write()
    assert journal.blocks == [
        ([1.0, None, 2.5, 0.5], {"o": 3, "first": 0, "t": [5.0, 6.0], "lr": [[0.1]]})
    ]
    assert made.step == 4
    made.note(7.0, [0.1], time.now)
    time.now = 6.5
    made.write()
    assert journal.blocks[1:] == [([7.0], {"o": 3, "first": 4, "t": [6.0, 6.5]})]
    assert made.step == 5


def test_rates_of_a_block_in_which_they_change(monkeypatch: Any) -> None:
    journal, made, time = log(monkeypatch)
    rates: list[Any]
    for rates in ([0.1, 1.0], [0.1, 1.0], [0.2, 1.0]):
        made.note(0.0, rates, time.now)
    made.write()
    for rates in ([0.2, 1.0], [0.3, None], [0.3, None]):
        made.note(0.0, rates, time.now)
    made.write()
    first, second = (facts["lr"] for _, facts in journal.blocks)
    assert first == [[0.1, 1.0], [0.1, 1.0], [0.2, 1.0]]
    assert second == [[0.2, 1.0], [0.3, 0.0], [0.3, 0.0]]
    made.note(0.0, [0.5], time.now)
    made.write()
    assert journal.blocks[2][1]["lr"] == [[0.5]]


def test_blocks_are_written_when_they_are_full_or_old(monkeypatch: Any) -> None:
    journal, made, time = log(monkeypatch)
    for _ in range(STEPS_PER_LINE - 1):
        made.note(1.0, [0.1], time.now)
    assert journal.blocks == []
    made.note(1.0, [0.1], time.now)
    assert [len(values) for values, _ in journal.blocks] == [STEPS_PER_LINE]
    made.note(1.0, [0.1], time.now + FLUSH_SECONDS)
    assert len(journal.blocks) == 1
    made.note(1.0, [0.1], time.now + FLUSH_SECONDS * 1.01)
    assert len(journal.blocks) == 2


def test_a_rate_elsewhere_is_read_in_samples_alone(monkeypatch: Any) -> None:
    _, made, time = log(monkeypatch)
    here, elsewhere = torch.tensor(0.5), torch.tensor(0.25, device="meta")
    assert made.known_rates([0.1, None, here], look=False) == [0.1, None, 0.5]
    made.note(1.0, [0.7, 0.3], time.now)
    assert made.known_rates([here, elsewhere], look=False) == [0.5, 0.3]
    assert made.known_rates([0.2, here], look=True) == [0.2, 0.5]
    with pytest.raises((RuntimeError, NotImplementedError)):
        made.known_rates([here, elsewhere], look=True)
    with pytest.raises((RuntimeError, NotImplementedError)):
        made.known_rates([elsewhere], look=False)  # never read before


def test_what_stands_for_an_optimizer_keeps_nothing_alive() -> None:
    stand_in, leaf = ByHand(), torch.zeros(2)
    assert stand_in.param_groups == [{"params": []}]
    stand_in.hold([leaf, torch.zeros(3)])
    ((held,),) = (group["params"] for group in stand_in.param_groups)
    assert held is leaf


def test_numbers_of_objects(monkeypatch: Any) -> None:
    monkeypatch.setattr("assay.watching.numbers.OBJECTS_AT_MOST", 2)
    numbers = Numbers()
    one, two, three = (torch.zeros(1) for _ in range(3))
    assert [numbers.of(thing) for thing in (one, two, one, two)] == [0, 1, 0, 1]
    assert numbers.of(three) == 2
    assert numbers.of(three) == 3, "there is no room to know it by"
    del one
    assert numbers.of(three) == 4
    assert [numbers.of(thing) for thing in (three, two)] == [4, 1]


def test_an_object_in_the_place_of_one_that_is_gone() -> None:
    numbers, kept = Numbers(), torch.zeros(1)
    numbers.of(kept)
    _, number = numbers._known[id(kept)]
    numbers._known[id(kept)] = (lambda: None), number  # type: ignore[assignment]
    assert numbers.of(kept) == 1
