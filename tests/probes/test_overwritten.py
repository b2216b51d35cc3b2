"""A backward pass that fails since a step has changed what it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from assay.probes.gradient.overwritten import Overwritten
from assay.probes.model.structure import Structure
from assay.report.ending import how_it_ended
from assay.testing import WarmRunner

GAN = """
import torch
from torch import nn
torch.manual_seed(0)
maker, judge = nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
makes = torch.optim.Adam(maker.parameters(), 1e-3)
judges = torch.optim.SGD(judge.parameters(), 1e-3)
for step in range({steps}):
    said = judge(maker(torch.randn(16, 2)))
    judges.zero_grad()
    said.mean().backward(retain_graph=True)
    for _ in range(step - {steps} + 2):
        judges.step()
    makes.zero_grad()
    {between}
    said.square().mean().backward()
    makes.step()
    if step < {steps} - 1:
        judges.step()
"""


@pytest.mark.parametrize("steps", [3, 80])
def test_the_step_between_forward_and_backward_is_named(
    warm: WarmRunner, tmp_path: Path, steps: int
) -> None:
    script = tmp_path / "train.py"
    script.write_text(GAN.format(steps=steps, between="pass"))
    view = warm.observe([str(script)], run_dir=tmp_path / "run").view
    (event,) = view.events("overwritten")
    assert event.data["parameter"] == "Sequential.2.weight"
    assert view.trainings[event.training or 0].optimizer == "SGD"
    assert "a step of SGD (train.py:19) changed Sequential.2.weight" in (how_it_ended(view) or "")


def test_what_no_step_changed_is_not_blamed_on_one(warm: WarmRunner, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    text = GAN.format(steps=3, between="said.add_(1)").replace("step - 3 + 2", "0")
    script.write_text(text.replace("said.square()", "said = said.exp(); said.add_(1); said"))
    view = warm.observe([str(script)], run_dir=tmp_path / "run").view
    assert view.facts["exit_code"] == 1
    assert not list(view.events("overwritten"))


class Two(nn.Module):
    """Two weights of one shape, one of another."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Parameter(torch.eye(2)), nn.Parameter(torch.eye(2))
        self.c = nn.Parameter(torch.ones(2, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.a @ self.b @ self.c


@pytest.mark.parametrize(
    ("trained", "steps", "by_hand", "expected"),
    [
        ("b", 1, "", [("b", 0)]),
        ("c", 2, "", [("c", 0)]),
        ("bc", 1, "", [("b", 0), ("c", 0)]),
        ("a", 1, "", []),  # its own value is not needed: the input has no gradient
        ("a", 1, "b", []),  # what changed b was no step
        ("a", 1, "bb", []),
    ],
)
def test_which_weight_it_was(
    watched: Any, trained: str, steps: int, by_hand: str, expected: list[tuple[str, int]]
) -> None:
    with watched(Structure, Overwritten) as seen:
        model = Two()
        optimizer = torch.optim.SGD([getattr(model, name) for name in trained], lr=0.1)
        kept = model(torch.ones(1, 2)).sum()
        kept.backward(retain_graph=True)
        for _ in range(steps):
            optimizer.step()
        with torch.no_grad():
            for name in by_hand:
                getattr(model, name).add_(1)
        try:
            torch.autograd.backward((kept,) if steps > 1 else kept)
            failed = False
        except RuntimeError:
            failed = True
    found = [(e.data["parameter"], e.training) for e in seen.view.events("overwritten")]
    assert failed is bool(expected or by_hand)
    assert len(found) <= 1
    assert set(found) <= set(expected)
    assert bool(found) is bool(expected)


def test_another_error_names_no_weight(watched: Any) -> None:
    with watched(Structure, Overwritten) as seen:
        weight = nn.Parameter(torch.ones(2))
        optimizer = torch.optim.SGD([weight], lr=0.1)
        loss = weight.square().sum()
        loss.backward()
        optimizer.step()
        with pytest.raises(RuntimeError, match="second time"):
            loss.backward()
    assert not list(seen.view.events("overwritten"))


def test_an_optimizer_that_did_not_step_is_not_blamed(watched: Any) -> None:
    with watched(Structure, Overwritten) as seen:
        model = Two()
        idle = torch.optim.SGD([model.b], lr=0.1)
        other = torch.optim.SGD([model.a], lr=0.1)
        loss = model(torch.ones(1, 2)).sum()
        loss.backward(retain_graph=True)
        other.step()
        with torch.no_grad():
            model.b.add_(1)
        with pytest.raises(RuntimeError, match="inplace"):
            loss.backward()
        assert idle.param_groups
    assert not list(seen.view.events("overwritten"))
