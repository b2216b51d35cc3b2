"""distill against the loop that a person writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from suite import (
    STEPPING,
    WORKLOADS,
    Hand,
    World,
    assert_same,
    by_hand,
    checkpoint,
    differs,
    in_script,
    plain,
    treated,
)
from torch import nn
from torch.nn import functional as F

from assay.tricks.base import TrickError
from assay.tricks.regularisation.distill import Distill


class ByHand(Hand):
    """Mixes the loss with the divergence from a teacher, by torch's own `kl_div`."""

    def __init__(self, path: str) -> None:
        self.path = path

    def built(self, world: World) -> None:
        self.teacher = type(world)(Hand()).model  # of its own random numbers
        self.teacher.load_state_dict(torch.load(self.path, weights_only=True))
        self.teacher.eval()
        torch.manual_seed(0)

    def output(self, model: nn.Module, x: Any) -> Any:
        with torch.no_grad():
            self.answer = self.teacher(x)
        return model(x)

    def loss(self, output: Any, y: Any) -> torch.Tensor:
        soft = F.kl_div(
            F.log_softmax(output / 2.0, 1), F.log_softmax(self.answer / 2.0, 1),
            reduction="batchmean", log_target=True,
        )  # fmt: skip
        return (1 - 0.75) * F.cross_entropy(output, y) + 0.75 * (soft * 2.0**2)


@pytest.mark.parametrize("attached", [False, True], ids=["script", "attached"])
@pytest.mark.parametrize(
    "workload", [w for w in STEPPING if w not in ("compiled", "kitchen", "players")]
)
def test_to_the_last_bit(workload: str, attached: bool) -> None:
    path = checkpoint(workload)
    found = treated(workload, f"distill={path},temperature=2,weight=0.75", attached=attached)
    assert_same(found, by_hand(workload, ByHand(path)))
    assert differs(found, plain(workload))


def test_a_weight_of_0_leaves_the_training_as_it_is() -> None:
    found = treated("plain", f"distill={checkpoint('plain')},weight=0")
    assert_same(found, plain("plain"))


def test_the_gradient_keeps_its_size_at_any_temperature() -> None:
    made = torch.Generator().manual_seed(0)
    own = torch.randn(64, 10, generator=made).requires_grad_()
    other = torch.randn(64, 10, generator=made)
    sizes = []
    for temperature in (1.0, 4.0, 10.0):
        trick = Distill("x", temperature=temperature)
        loss = trick.apart(own, other, torch.zeros(64).long(), -100)
        sizes.append(float(torch.autograd.grad(loss, own)[0].norm()))
    assert max(sizes) / min(sizes) < 1.5, "without T^2 it would be 100"


def test_tokens_that_are_ignored_count_nothing() -> None:
    made = torch.Generator().manual_seed(0)
    own, other = torch.randn(2, 5, 7, generator=made), torch.randn(2, 5, 7, generator=made)
    target = torch.zeros(2, 7).long()
    target[:, 3:] = -1
    trick = Distill("x", temperature=3)
    found = trick.apart(own, other, target, -1)
    rows = [t[:, :, :3].movedim(1, -1).reshape(-1, 5) / 3 for t in (own, other)]
    expected = F.kl_div(
        rows[0].log_softmax(1), rows[1].log_softmax(1), reduction="batchmean", log_target=True
    )
    torch.testing.assert_close(found, expected * 9)


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.write_text("x"), "neither a safetensors file nor one of torch.save"),
        (lambda path: torch.save({"w": torch.ones(1)}, path), "of the model is not that of"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused(
    made: Callable[[Path], object], says: str, tmp_path: Path
) -> None:
    made(tmp_path / "teacher.pt")
    with pytest.raises(TrickError, match=says):
        treated("plain", f"distill={tmp_path / 'teacher.pt'}")


def test_a_training_without_classes_is_refused() -> None:
    with pytest.raises(TrickError, match=r"no loss over classes|of the model is not that of"):
        treated("players", f"distill={checkpoint('players')}")


class Summed(Hand):
    def loss(self, output: Any, y: Any) -> torch.Tensor:
        return F.cross_entropy(output, y, reduction="none").sum()


def test_a_loss_of_another_shape_is_refused() -> None:
    with in_script(f"distill={checkpoint('plain')}"):
        world = WORKLOADS["plain"](Summed())
        with pytest.raises(TrickError, match="no mean over answers"):
            world.step(0)
