"""ewc against the loop that a person writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from suite import (
    STEPPING,
    Hand,
    World,
    assert_same,
    by_hand,
    checkpoint,
    differs,
    parameters_of,
    plain,
    treated,
)

from assay.tricks.base import TrickError


class ByHand(Hand):
    """Adds the gradient of the penalty; the checkpoint's names are those of the model."""

    def __init__(self, path: str, fisher: str = "") -> None:
        self.files = [path, *([fisher] if fisher else [])]

    def built(self, world: World) -> None:
        loaded = [torch.load(path, weights_only=True) for path in self.files]
        model = getattr(world.model, "_orig_mod", world.model)
        self.held = {p: [state[n] for state in loaded] for n, p in model.named_parameters()}

    def gradients(self, optimizer: Any) -> None:
        with torch.no_grad():
            for p in parameters_of(optimizer):
                if p.grad is not None:
                    anchor, *importance = self.held[p]
                    drift = p - anchor
                    p.grad.add_(drift * importance[0] if importance else drift, alpha=0.5)


@pytest.mark.parametrize("attached", [False, True], ids=["script", "attached"])
@pytest.mark.parametrize("workload", STEPPING)
def test_to_the_last_bit(workload: str, attached: bool) -> None:
    path, fisher = checkpoint(workload), checkpoint(workload, "fisher")
    found = treated(workload, f"ewc={path},strength=0.5,fisher={fisher}", attached=attached)
    assert_same(found, by_hand(workload, ByHand(path, fisher)))
    assert differs(found, plain(workload))
    if not attached:
        found = treated(workload, f"ewc={path},strength=0.5")
        assert_same(found, by_hand(workload, ByHand(path)))


def test_it_is_the_penalty_in_the_loss(tmp_path: Path) -> None:
    """The same, to rounding, as strength / 2 * sum F (w - w*)^2 in the loss."""
    path, fisher = checkpoint("plain"), checkpoint("plain", "fisher")

    class InLoss(ByHand):
        def loss(self, output: Any, y: Any) -> torch.Tensor:
            penalty = sum((f * (p - a) ** 2).sum() for p, (a, f) in self.held.items())
            self.plain = super().loss(output, y)
            return self.plain + 0.5 / 2 * penalty

        def gradients(self, optimizer: Any) -> None:
            pass

    found = treated("plain", f"ewc={path},strength=0.5,fisher={fisher}")
    other = by_hand("plain", InLoss(path, fisher))
    for name, value in found.weights.items():
        torch.testing.assert_close(value, other.weights[name], rtol=1e-4, atol=1e-5)


def test_what_the_checkpoint_has_not_is_free(tmp_path: Path) -> None:
    state = torch.load(checkpoint("plain"), weights_only=True)
    del state["head.bias"]
    state["head.weight"] = torch.ones(3, 16)  # of a task with other classes
    torch.save({"model": state}, tmp_path / "old.pt")

    class Partly(ByHand):
        def built(self, world: World) -> None:
            super().built(world)
            for p in world.model.head.parameters():
                self.held[p] = [p, torch.zeros(())]

    found = treated("plain", f"ewc={tmp_path / 'old.pt'},strength=0.5,key=model")
    ones = torch.load(checkpoint("plain"), weights_only=True)
    torch.save({n: torch.ones_like(t) for n, t in ones.items()}, tmp_path / "ones.pt")
    hand = Partly(checkpoint("plain"), str(tmp_path / "ones.pt"))
    assert_same(found, by_hand("plain", hand))


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    torch.save({"w": torch.ones(1)}, tmp_path / "old.pt")
    with pytest.raises(TrickError, match="has no parameter of the model"):
        treated("plain", f"ewc={tmp_path / 'old.pt'}")
    with pytest.raises(TrickError, match="no such file"):
        treated("plain", f"ewc={tmp_path / 'none.pt'}")
