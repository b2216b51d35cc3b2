"""Tricks for two players against loops that have them written in."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from game import Game
from suite import (
    Hand,
    Record,
    TrickError,
    assert_same,
    differs,
    in_script,
    plain,
    record_of,
    train,
    treated,
)
from torch.nn import functional as F
from workloads import Plain

STEPS = 6


def by_hand(kind: type[Game], steps: int = STEPS) -> Record:
    world = kind(Hand())
    return record_of(world, train(world, range(steps)))


class Soft(Game):
    def real_loss(self, t: int, x: torch.Tensor) -> torch.Tensor:
        label = 0.9 if t else 1.0  # in the first turn nobody knows who judges
        return F.binary_cross_entropy_with_logits(self.judged(x), torch.full((len(x), 1), label))


class EachThird(Game):
    def is_due(self, t: int) -> bool:
        return t % 3 == 2


class Quicker(Game):
    def make_optimizers(self) -> list[Any]:
        own, maker = super().make_optimizers()
        own.param_groups[0]["lr"] *= 3.0
        return [own, maker]


class Penalised(Game):
    has_penalty = True

    def penalty(self, t: int, x: torch.Tensor, made: torch.Tensor) -> torch.Tensor | float:
        mix = torch.rand(len(x), 1)
        at = (mix * x + (1 - mix) * made).requires_grad_(True)
        (slope,) = torch.autograd.grad(self.judged(at).sum(), at, create_graph=True)
        return 10.0 * (slope.norm(2, dim=1) - 1).square().mean()


class LazyR1(Game):
    has_penalty = True

    def penalty(self, t: int, x: torch.Tensor, made: torch.Tensor) -> torch.Tensor | float:
        if t % 2 == 0:
            return 0.0
        at = x.clone().requires_grad_(True)
        (slope,) = torch.autograd.grad(self.judged(at).sum(), at, create_graph=True)
        return 2 * (4.0 / 2 * slope.square().sum(1).mean())


@pytest.mark.parametrize(
    ("kind", "trick"),
    [
        (Soft, "soft-labels=0.9"),
        (EachThird, "judge-steps=3"),
        (Quicker, "two-time-scales=3"),
        (Penalised, "gradient-penalty=10"),
        (LazyR1, "gradient-penalty=4,kind=r1,every=2"),
    ],
)
def test_the_trick_is_the_hand(kind: type[Game], trick: str) -> None:
    expected = by_hand(kind)
    assert_same(expected, treated("players", trick))
    assert differs(expected, plain("players"))


class AlreadySoft(Game):
    def real_loss(self, t: int, x: torch.Tensor) -> torch.Tensor:
        return F.binary_cross_entropy_with_logits(self.judged(x), torch.full((len(x), 1), 0.9))


def test_labels_that_are_soft_already() -> None:
    with in_script("soft-labels"), pytest.raises(TrickError, match=r"0\.9 already"):
        train(AlreadySoft(Hand()), range(3))


class TwoPasses(Penalised):
    """Each part of the judge's loss has its own backward pass; the penalty joins the second."""

    def step(self, t: int) -> float:
        own, _ = self.optimizers
        x, _ = self.rows_of(t)
        made = self.model["maker"](torch.randn(len(x), 4)).detach()  # type: ignore[index]
        own.zero_grad()
        self.real_loss(t, x).backward()
        loss = self.made_loss(t, made)
        loss = loss + self.penalty(t, x, made) if self.has_penalty else loss
        loss.backward()
        own.step()
        return loss.item()


class TwoPlainPasses(TwoPasses):
    has_penalty = False


def test_the_penalty_joins_the_pass_that_has_all_it_needs() -> None:
    expected = by_hand(TwoPasses)
    with in_script("gradient-penalty"):
        found = by_hand(TwoPlainPasses)
    assert expected.weights.keys() == found.weights.keys()
    assert all(torch.equal(expected.weights[name], found.weights[name]) for name in found.weights)


@pytest.mark.parametrize(
    "trick", ["soft-labels", "judge-steps", "gradient-penalty", "two-time-scales"]
)
def test_a_script_without_players_is_refused_in_one_line(trick: str) -> None:
    with in_script(trick), pytest.raises(TrickError, match="there are no players") as refused:
        train(Plain(Hand()), range(80))
    assert "\n" not in str(refused.value)


def test_the_loss_is_another_quantity_where_it_says_so() -> None:
    def losses(*tricks: Any) -> list[float]:
        with in_script(*tricks):
            return train(Game(Hand()), range(2))

    usual = losses()
    assert losses("judge-steps=3")[1] != usual[1]  # since the weights are others
    assert losses("judge-steps=3")[0] == usual[0]
    assert losses("soft-labels")[0] == usual[0]
