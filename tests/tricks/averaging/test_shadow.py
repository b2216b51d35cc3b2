"""Averaged weights: what a script keeps of an evaluation does not change when training goes on."""

from __future__ import annotations

import pytest
import torch

from assay.tricks.handle import attach
from assay.tricks.reading import read


@pytest.mark.parametrize("evaluated_first", [False, True])
def test_a_state_kept_after_an_evaluation_holds_the_averages(evaluated_first: bool) -> None:
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), 0.5)
    x = torch.randn(8, 3)

    def step() -> None:
        model.train()
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()

    with attach([read("ema=0.5,warmup=false")], (model, optimizer)):
        for _ in range(3):
            step()
        trained = model.weight.detach().clone()
        model.eval()
        if evaluated_first:
            with torch.no_grad():
                model(x)
        kept = model.state_dict()
        averages = {name: value.clone() for name, value in kept.items()}
        assert not torch.equal(kept["weight"], trained)
        step()
        assert all(torch.equal(kept[name], averages[name]) for name in kept)
