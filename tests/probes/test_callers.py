"""The lines that a training is made of, as a trial writes them down for the edits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from assay.journal.events import CALLER
from assay.journal.view import RunView
from assay.probes.model.structure import Structure
from assay.probes.run import callers
from assay.probes.run.callers import Callers

from .conftest import Watching
from .test_structure_facts import here

X, Y = torch.ones(5, 4), torch.arange(5) % 3
Facts = dict[str, Any]


def called(view: RunView) -> list[tuple[int, Facts]]:
    """Line and facts of each caller; that all are of this file, and where their calls end."""
    found = []
    source = Path(__file__).read_text(encoding="utf-8").splitlines()
    for event in view.events(CALLER):
        assert event.site is not None
        assert event.site.file == __file__
        facts = dict(event.data)
        end = facts.pop("end")
        if end is not None and facts["of"] != "loading":  # Python 3.10 does not know it
            assert end[0] == event.site.line
            assert source[end[0] - 1].encode()[: end[1]].endswith(b")")
        found.append((event.site.line, facts))
    return found


def test_every_kind_of_call_is_written_once_with_its_facts(watched: Watching) -> None:
    at: dict[str, int] = {}
    with watched(Structure, Callers) as seen:
        model = nn.Linear(4, 3)
        optimizer, at["optimizer"] = torch.optim.SGD(model.parameters(), lr=0.1), here()
        loader, at["loader"] = DataLoader(TensorDataset(X, Y), batch_size=5), here()
        for _ in range(3):
            for x, y in loader:
                at["loading"] = here() - 1
                out, at["model"] = model(x), here()
                loss, at["loss"] = F.cross_entropy(out, y), here()
                _, at["backward"] = loss.backward(), here()
                _, at["step"] = optimizer.step(), here()
            with torch.no_grad():
                _, at["evaluation_loss"] = F.mse_loss(X[:2], X[:2]), here()
                for _ in loader:  # an evaluation's is not trained from
                    pass
    facts: dict[str, Facts] = {
        "optimizer": {"number": 0, "cls": "SGD"},
        "loader": {"number": 1},
        "loading": {"number": 1, "sampler": "SequentialSampler"},
        "loss": {"fn": "cross_entropy", "input": [5, 3], "target": [5]},
        "backward": {},
        "model": {"module": "Linear"},
        "step": {"number": 0, "closure": False},
        "evaluation_loss": {"fn": "mse_loss", "input": [2, 4], "target": [2, 4]},
    }
    assert called(seen.view) == [(at[of], {"of": of, **facts[of]}) for of in facts]
    events = list(seen.view.events(CALLER))
    assert {event.step for event in events} == {0}
    assert {event.iteration for event in events} == {0}


def begin() -> None:
    """A journal begins with the first backward pass."""
    weight = nn.Parameter(torch.ones(2))
    weight.sum().backward()


def test_a_model_is_called_after_the_last_step(watched: Watching) -> None:
    with watched(Structure, Callers) as seen:
        model = nn.Linear(4, 3)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        model(X).sum().backward()
        optimizer.step()
        model(X)
        at = here() - 1
    assert called(seen.view)[-1] == (at, {"of": "model", "module": "Linear"})


def test_one_line_calls_several_models(watched: Watching) -> None:
    with watched(Structure, Callers) as seen:
        models = nn.Linear(4, 4), nn.Sequential(nn.Linear(4, 3)), nn.ReLU()
        weights = [p for model in models for p in model.parameters()]
        optimizer = torch.optim.SGD(weights, lr=0.1)
        for _ in range(2):
            x = X
            for model in models:
                x = model(x)
            x.sum().backward()
            optimizer.step()
    found = [facts["module"] for _, facts in called(seen.view) if facts["of"] == "model"]
    assert found == ["Linear", "Sequential"], "what has no weights is no model"


def test_a_model_that_is_gone_has_no_name(watched: Watching) -> None:
    with watched(Structure, Callers) as seen:
        nn.Linear(4, 4)(X)
        weight = nn.Parameter(torch.ones(2))
        optimizer = torch.optim.SGD([weight], lr=0.1)
        weight.sum().backward()
        optimizer.step()
    assert "model" not in {facts["of"] for _, facts in called(seen.view)}


def test_optimizers_are_told_apart_and_a_closure_is_said(watched: Watching) -> None:
    with watched(Structure, Callers) as seen:
        weight = nn.Parameter(torch.ones(2))

        def closure() -> torch.Tensor:
            loss = weight.square().sum()
            loss.backward()
            return loss

        for kind in (torch.optim.SGD, torch.optim.Adam):
            kind([weight], lr=0.1).step(closure)  # and it is gone
    found = [facts for _, facts in called(seen.view) if facts["of"] in ("optimizer", "step")]
    assert found == [
        {"of": "optimizer", "number": 0, "cls": "SGD"},
        {"of": "step", "number": 0, "closure": True},
        {"of": "optimizer", "number": 1, "cls": "Adam"},
        {"of": "step", "number": 1, "closure": True},
    ]


def test_what_a_loss_was_not_given_has_no_shape(watched: Watching) -> None:
    with watched(Callers) as seen:
        weight = nn.Parameter(torch.ones(2))
        F.nll_loss(input=weight.expand(3, 2), target=torch.zeros(3, dtype=torch.long))
        F.triplet_margin_loss(weight, weight, weight)
        begin()
    found = [facts for _, facts in called(seen.view) if facts["of"] == "loss"]
    assert found == [
        {"of": "loss", "fn": "nll_loss", "input": [3, 2], "target": [3]},
        {"of": "loss", "fn": "triplet_margin_loss", "input": [2], "target": None},
    ]


def test_lines_are_bounded(watched: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "CALLERS_AT_MOST", 3)
    with watched(Callers) as seen:
        weight = nn.Parameter(torch.ones(2))
        for _ in range(5):
            torch.optim.SGD([weight], lr=0.1)
        begin()
    assert [facts["number"] for _, facts in called(seen.view)] == [0, 1, 2]
