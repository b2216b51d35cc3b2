"""Optimizers that wait for a step, and how many passes a step was taken for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from assay.journal.events import BACKWARD, STALLED
from assay.probes.model.structure import Structure
from assay.probes.optimizer import optimizers
from assay.probes.optimizer.optimizers import Optimizers, Waiting, is_milestone

from .conftest import Watching
from .test_structure_facts import here


def lines(folder: Path, kind: str) -> list[dict[str, Any]]:
    text = "".join(p.read_text("utf-8") for p in sorted(folder.glob("run*/journal-*.jsonl")))
    every = [json.loads(line) for line in text.splitlines()]
    return [line for line in every if line["k"] == kind]


def weight(size: int = 2) -> nn.Parameter:
    return nn.Parameter(torch.ones(size))


def test_milestones() -> None:
    assert [n for n in range(70) if is_milestone(n)] == [4, 8, 16, 32, 64]


class Owner:
    """Stands for an optimizer."""


def look(entry: Waiting, p: torch.Tensor, times: int) -> None:
    for _ in range(times):
        entry.look([p])


def test_whether_weights_are_moved_is_known_at_a_milestone() -> None:
    p, entry = weight(), Waiting(Owner(), 0)
    look(entry, p, 3)
    assert (entry.moved, entry.passes, entry.with_gradient) == (None, 3, 3)
    entry.look([])
    assert (entry.moved, entry.passes, entry.with_gradient) == (False, 4, 3)
    with torch.no_grad():
        p[1] = 2.0
    look(entry, p, 3)
    assert entry.moved is False
    look(entry, p, 1)
    assert entry.moved is True
    with torch.no_grad():
        p[1] = 1.0
    look(entry, p, 8)
    assert entry.moved is True, "it was moved, and put back"


def test_without_a_gradient_nothing_is_known() -> None:
    entry = Waiting(Owner(), 0)
    for _ in range(8):
        entry.look([])
    assert (entry.moved, entry.with_gradient, entry.passes) == (None, 0, 8)


def test_a_few_of_the_weights_are_witnesses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimizers, "WITNESSES", 2)
    monkeypatch.setattr(optimizers, "WITNESS_ELEMENTS", 3)
    first, second, third = weight(4), weight(4), weight(4)
    sparse = torch.eye(2).to_sparse()
    for moved, place, seen in ((first, 2, True), (first, 3, False), (second, 0, True),
                               (third, 0, False)):  # fmt: skip
        entry = Waiting(Owner(), 0)
        for number in range(4):
            entry.look([first, second, third])
            if number == 1:
                with torch.no_grad():
                    moved[place] += 1
        assert entry.moved is seen
    entry = Waiting(Owner(), 0)
    for _ in range(4):
        entry.look([sparse])
    assert entry.moved is None


def test_weights_that_are_gone_are_no_witnesses() -> None:
    entry = Waiting(Owner(), 0)
    p = weight()
    entry.look([p])
    del p
    for _ in range(3):
        entry.look([])
    assert entry.moved is None


def test_what_waits_is_written_at_milestones_with_its_facts(
    watched: Watching, tmp_path: Path
) -> None:
    with watched(Structure, Optimizers) as seen:
        model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1)).eval()
        trained = torch.optim.SGD(model[0].parameters(), lr=0.1)
        built = here() + 1
        waiting = torch.optim.Adam([{"params": [model[1].weight]}, {"params": [model[1].bias]}])
        for number in range(9):
            model.zero_grad()
            model(torch.ones(1, 2)).sum().backward()
            at = here() - 1
            if number > 6:
                model[1].bias.grad = None
            trained.step()
        assert waiting.param_groups
    first, second = lines(tmp_path, "built")
    assert (first["n"], first["cls"], first["groups"]) == (0, "SGD", [{"count": 2, "elements": 6}])
    groups = [{"count": 1, "elements": 2}, {"count": 1, "elements": 1}]
    assert (second["n"], second["cls"], second["groups"]) == (1, "Adam", groups)
    assert second["site"][1] == built
    four, eight = lines(tmp_path, "waits")
    assert (four["n"], four["passes"], four["with_gradient"], four["count"]) == (1, 4, 4, 2)
    assert four["names"] == ["1.weight", "1.bias"]
    assert (four["training"], four["moved"], four["site"][1]) == (False, False, at)
    assert (eight["passes"], eight["with_gradient"], eight["count"]) == (8, 8, 2)
    assert seen.view.optimizers[0].training == 0


def test_nothing_is_written_where_nothing_waits(watched: Watching, tmp_path: Path) -> None:
    with watched(Structure, Optimizers):
        one, other = weight(), weight()
        idle = torch.optim.SGD([other], lr=0.1)
        for _ in range(5):
            one.sum().backward()  # nobody's
        del idle
        for _ in range(12):
            (one.sum() + other.sum()).backward()
    assert lines(tmp_path, "waits") == []


def test_optimizers_are_bounded(
    watched: Watching, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optimizers, "BUILT_AT_MOST", 4)
    monkeypatch.setattr(optimizers, "WAITING_AT_MOST", 2)
    monkeypatch.setattr(optimizers, "NAMES_AT_MOST", 1)
    with watched(Structure, Optimizers):
        model = nn.Linear(2, 2)
        torch.optim.SGD(model.parameters(), lr=0.1)  # gone at once: it waits for nothing
        kept = [torch.optim.SGD(model.parameters(), lr=0.1) for _ in range(4)]
        for _ in range(4):
            model(torch.ones(1, 2)).sum().backward()
        assert kept
    assert [line["n"] for line in lines(tmp_path, "built")] == [0, 1, 2, 3]
    found = lines(tmp_path, "waits")
    assert [(line["n"], line["count"], len(line["names"])) for line in found] == [
        (1, 2, 1), (2, 2, 1),
    ]  # fmt: skip


def test_passes_of_each_step_and_each_line_of_them(watched: Watching) -> None:
    with watched(Structure, Optimizers) as seen:
        p = weight()
        optimizer = torch.optim.SGD([p], lr=0.1)
        optimizer.step()  # no pass led to it
        for _ in range(2):
            p.sum().backward()
            first = here() - 1
            p.sum().backward()
            optimizer.step()
        p.sum().backward()
        optimizer.step()
    assert list(seen.view.trainings[0].series("backward_passes")) == [(1, 2.0), (2, 2.0), (3, 1.0)]
    at = [event.site and event.site.line for event in seen.view.events(BACKWARD)]
    assert at == [first, first + 2, first + 4]


@pytest.mark.parametrize(
    ("modes", "expected"), [((), None), ((True,), True), ((False, True), True), ((False,), False)]
)
def test_whether_a_model_is_in_training_mode(
    watched: Watching, modes: tuple[bool, ...], expected: bool | None
) -> None:
    with watched(Structure, Optimizers) as seen:
        p = weight()
        models = [nn.Linear(2, 1).train(mode) for mode in modes]
        for _ in range(300):
            loss = p.sum()
            for model in models:
                loss = loss + model(p).sum()
            loss.backward()
    (event,) = seen.view.events(STALLED)
    assert event.data == {"passes": 256, "training": expected, "finite": True}
