"""A trick that holds steps back is asked once for each, however the optimizer is made."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from assay import seams
from assay.seams.hub import Hub
from assay.tricks.stage import Stage


class Outer(torch.optim.SGD):
    """A step around the step of its base class."""

    def step(self, closure: Any = None) -> Any:
        return super().step(closure)


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.AdamW, Outer])
@pytest.mark.parametrize("allowed", [True, False])
def test_each_step_is_asked_for_once(kind: Any, allowed: bool) -> None:
    weight, other = (torch.ones(2, requires_grad=True) for _ in range(2))
    torch.optim.Adam([weight])  # from now on AdamW has no step of its own, but Adam's
    known = [kind([weight], lr=0.1), torch.optim.SGD([other], lr=0.1)]
    bound = known[0].step  # as a scheduler holds it that is built before
    asked: list[Any] = []

    def decide(optimizer: Any) -> bool:
        asked.append(optimizer)
        return allowed

    hub = Hub()
    patches = seams.install(hub)
    stage = Stage(hub, tuple(known))
    try:
        stage.hold_steps(decide)
        for step in (known[0].step, bound, known[1].step):
            weight.grad, other.grad = torch.ones(2), torch.ones(2)
            step()
    finally:
        stage.leave()
        patches.undo()
    assert asked == [known[0], known[0], known[1]]
    assert all(bool((p != 1).all()) == allowed for p in (weight, other))
