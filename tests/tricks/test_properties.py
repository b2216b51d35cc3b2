"""What tricks say of themselves is measured: losses, answers and batches, with and without them."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from suite import TRICKS, WORKLOADS, Hand, World, example, in_script, read
from torch.nn import functional as F
from torch.optim.optimizer import register_optimizer_step_post_hook

from assay.probes.run.comparable import loss_alike, wrong_share
from assay.seams.arguments import bind
from assay.tricks.base import Trick

STEPS = 8


class Compared(Hand):
    """The loop of a workload, with each loss compared with the formula for outputs and labels."""

    def __init__(self) -> None:
        self.given: Any = ()
        self.changed: set[str] = set()

    def batch(self, x: torch.Tensor, y: torch.Tensor) -> tuple[Any, Any]:
        self.labels = y
        return x, y

    def value(self, output: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The script's loss, as a call of torch."""
        return F.cross_entropy(output, y)

    def formula(self, output: torch.Tensor, y: torch.Tensor) -> float:
        """The same without a call that a trick could hear."""
        likely = output - output.exp().sum(1, keepdim=True).log()
        return -sum(float(likely[i, k]) for i, k in enumerate(y.tolist())) / len(y)

    def right(self, output: torch.Tensor, y: torch.Tensor) -> float:
        """What a trial compares in place of the loss where that is another quantity."""
        return Compared.formula(self, output, y)

    def heard(self, name: str, function: Any, args: Any, kwargs: Any, result: Any) -> None:
        """Compares what a trial's probe measures at a call of the loss with the labels' answers."""
        given = bind(function, args, kwargs)
        output, ignored = given["input"].detach(), given.get("ignore_index", -100)
        alike = loss_alike(name, output, given["target"], ignored)
        expected = self.right(self.own, self.labels)
        if alike is None or not math.isclose(float(alike), expected, rel_tol=2e-2):
            self.changed.add("answers")
        if name == "cross_entropy":
            wrong = wrong_share(name, output, given["target"], ignored)
            expected = float((self.own.argmax(1) != self.labels).float().mean())
            if wrong is None or not math.isclose(float(wrong), expected, abs_tol=1e-6):
                self.changed.add("answers")

    def loss(self, output: Any, y: Any, phase: str = "training") -> torch.Tensor:
        self.own = output.detach().double()
        found = self.value(output, y)
        expected = self.formula(self.own, self.labels)
        if not math.isclose(float(found.detach()), expected, rel_tol=1e-4):
            self.changed.add(phase)
        return found


class OfProbabilities(Compared):
    """A softmax before a loss that has one."""

    def output(self, model: Any, x: Any) -> Any:
        return model(x).softmax(1)

    def right(self, output: torch.Tensor, y: torch.Tensor) -> float:
        return super().right(output.log(), y)


class OfColumns(Compared):
    """A regression whose output has a dimension more than its target."""

    def output(self, model: Any, x: Any) -> Any:
        return model(x)[:, :1]

    def value(self, output: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return F.mse_loss(output, y.float())

    def formula(self, output: torch.Tensor, y: torch.Tensor) -> float:
        return float((output.flatten()[:, None] - y[None].double()).square().mean())

    def right(self, output: torch.Tensor, y: torch.Tensor) -> float:
        return float((output.flatten() - y.double()).square().mean())


HANDS: dict[str, type[Compared]] = {"logits": OfProbabilities, "match-target-shape": OfColumns}
"""Where a trick mends a loss that is wrong in a way of its own."""

NAMES = [trick.name for trick in TRICKS if trick.family != "gan"]
"""What two players do is measured in tests/tricks/gan."""


def of(name: str) -> type[Trick]:
    return next(trick for trick in TRICKS if trick.name == name)


def measure(trick: type[Trick]) -> tuple[set[str], int]:
    """Returns where losses were others (and answers), and the optimizer steps of 8 batches."""
    steps = 0

    def count(*_: Any) -> None:
        nonlocal steps
        steps += 1

    hand = HANDS.get(trick.name, Compared)()
    hook = register_optimizer_step_post_hook(count)
    try:
        with in_script(example(trick)) as handle:
            handle.stages[0].hub.on("loss", hand.heard)
            world = WORKLOADS["kitchen"](hand)
            for t in range(STEPS):
                world.step(t)
            evaluate(world, hand)
    finally:
        hook.remove()
    return hand.changed, steps


def evaluate(world: World, hand: Compared) -> None:
    world.model.eval()
    with torch.no_grad():
        x, y = hand.batch(world.x, world.y)
        hand.loss(hand.output(world.model, x), y, "evaluation")
    world.model.train()


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("hand", [Compared, OfProbabilities, OfColumns])
def test_without_a_trick_the_formula_is_the_loss(hand: type[Compared]) -> None:
    made = hand()
    world = WORKLOADS["kitchen"](made)
    world.step(0)
    evaluate(world, made)
    assert made.changed == set()


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("name", NAMES)
def test_a_loss_that_is_another_quantity_is_declared(name: str) -> None:
    changed, _ = measure(of(name))
    declared = {
        "no": set(), "training": {"training"}, "training and evaluation": {"training", "evaluation"}
    }[of(name).changes_loss]  # fmt: skip
    assert changed - {"answers"} == declared


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("name", NAMES)
def test_other_answers_are_declared(name: str) -> None:
    changed, _ = measure(of(name))
    assert ("answers" in changed) == of(name).changes_answers


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("name", NAMES)
def test_batches_per_step_are_as_many_as_it_says(name: str) -> None:
    _, steps = measure(of(name))
    assert steps * read(example(of(name))).batches_per_step() == STEPS
