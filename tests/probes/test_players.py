"""Which networks meet in which losses, and what is asked of the one that judges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from assay.probes.gan.penalties import Penalties
from assay.probes.gan.players import Players
from assay.signals.players import pairs
from assay.watching.batches import distance, holds, projected, spread

from .conftest import Watched, Watching

pytestmark = pytest.mark.usefixtures("no_haste")
Loss = Callable[[torch.Tensor, bool], torch.Tensor]


def bce(answer: torch.Tensor, real: bool) -> torch.Tensor:
    return F.binary_cross_entropy_with_logits(answer, torch.full_like(answer, float(real)))


def square(answer: torch.Tensor, real: bool) -> torch.Tensor:
    return (answer - (1.0 if real else -0.5)).square().mean()


class Game:
    """Two players in the usual turns; what the judge's loss is given is changed by a test."""

    def __init__(self, loss: Loss = bce) -> None:
        torch.manual_seed(0)
        self.loss = loss
        self.maker, self.judge = nn.Linear(3, 2), nn.Linear(2, 1)
        self.steps = {
            net: torch.optim.SGD(net.parameters(), 0.1) for net in (self.maker, self.judge)
        }

    def own(self, cut: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
        real, fake = torch.randn(8, 2), cut(self.maker(torch.randn(8, 3)))
        answer = self.judge(fake if fake.shape == real.shape else fake[:, 1:])
        return self.loss(self.judge(real), True) + self.loss(answer, False)

    def move(self, net: nn.Module, loss: torch.Tensor) -> None:
        self.steps[net].zero_grad()
        loss.backward()
        self.steps[net].step()

    def play(self, cut: Callable[[torch.Tensor], torch.Tensor] = torch.Tensor.detach) -> None:
        for _ in range(6):
            self.move(self.judge, self.own(cut))
            self.move(self.maker, self.loss(self.judge(self.maker(torch.randn(8, 3))), True))


def calls(seen: Watched, net: str) -> list[tuple[list[str], list[str]]]:
    """Returns what a network was over, and was fed, in each call of all turns."""
    return [
        (call["over"], call["fed"])
        for event in seen.view.events("turn")
        for one in event.data["passes"]
        for call in one["calls"]
        if call["net"] == net
    ]


def without_graph(fake: torch.Tensor) -> torch.Tensor:
    return fake.data


def beside_more_channels(fake: torch.Tensor) -> torch.Tensor:
    return torch.cat([torch.ones(8, 1), fake.detach()], 1).clone()


@pytest.mark.parametrize("cut", [torch.Tensor.detach, without_graph, beside_more_channels])
def test_a_detached_batch_is_known_by_memory_or_by_numbers(cut: Any, watched: Watching) -> None:
    with watched(Players) as seen:
        Game().play(cut)
    assert sorted(calls(seen, "judge")) == [([], []), ([], ["maker"]), (["maker"], [])]
    (pair,) = pairs(seen.view)
    assert (pair.judge, pair.generator) == ("judge", "maker")
    assert [t.index for t in pair.holders(seen.view, "maker")] == [1]


def test_a_batch_with_its_graph(watched: Watching) -> None:
    with watched(Players) as seen:
        Game().play(lambda fake: fake)
    judged = calls(seen, "judge")
    assert ([], ["maker"]) not in judged
    assert judged.count((["maker"], [])) > judged.count(([], [])) > 0
    assert [pair.generator for pair in pairs(seen.view)] == ["maker"]


def test_a_batch_that_no_gradient_was_taken_of(watched: Watching) -> None:
    game = Game()
    with watched(Players) as seen:
        for _ in range(4):
            with torch.no_grad():
                fake = game.maker(torch.randn(8, 3))
            loss = game.loss(game.judge(torch.randn(8, 2)), True)
            game.move(game.judge, loss + game.loss(game.judge(fake), False))
    assert calls(seen, "judge") == [([], []), ([], ["maker"])]


def test_real_and_generated_rows_in_one_batch(watched: Watching) -> None:
    game = Game()
    with watched(Players) as seen:
        for _ in range(3):
            fake = game.maker(torch.randn(8, 3))
            both = torch.cat([torch.randn(8, 2), fake.detach()])
            game.move(game.judge, game.judge(both).mean())
    rows = [c for e in seen.view.events("turn") for p in e.data["passes"] for c in p["calls"]]
    assert [(row["fed"], row["mixed"]) for row in rows] == [(["maker"], True)]


def test_an_encoder_and_its_decoder_are_no_pair(watched: Watching) -> None:
    encoder, decoder = nn.Linear(2, 1), nn.Linear(1, 2)
    optimizer = torch.optim.SGD([*encoder.parameters(), *decoder.parameters()], 0.1)
    with watched(Players) as seen:
        for _ in range(4):
            x = torch.randn(8, 2)
            optimizer.zero_grad()
            F.mse_loss(decoder(encoder(x)), x).backward()
            optimizer.step()
    assert calls(seen, "decoder") == [(["encoder"], [])]
    assert pairs(seen.view) == []
    assert seen.view.trainings[0].places("judge_asks") == ()


def test_slopes_are_those_of_autograd(watched: Watching) -> None:
    """On real rows all are negative, on generated ones all positive; half and half sums to 0."""
    with watched(Players) as seen:
        Game().play()
    own, maker = seen.view.trainings
    assert set(own.series("judge_asks", "judge on data").values) == {-1.0}
    assert set(own.series("judge_asks", "judge on detached maker").values) == {1.0}
    assert set(maker.series("judge_asks", "judge on maker").values) == {-1.0}
    halves = torch.tensor([1.0, -1.0] * 4).unsqueeze(1)
    with watched(Players) as seen:
        Game(lambda answer, real: (answer * halves).mean()).play()
    assert set(seen.view.trainings[0].series("judge_asks", "judge on data").values) == {0.0}


def test_a_square_is_least_at_its_label(watched: Watching) -> None:
    with watched(Players) as seen:
        Game(square).play()
    own, maker = seen.view.trainings
    real = own.series("judge_target", "judge on data").values
    fake = own.series("judge_target", "judge on detached maker").values
    assert list(real) == pytest.approx([1.0] * len(real), abs=1e-4)
    assert list(fake) == pytest.approx([-0.5] * len(fake), abs=1e-4)
    assert maker.series("judge_target", "judge on maker").last == pytest.approx(1.0, abs=1e-4)
    assert own.places("judge_asks") == ()


def test_no_slope_is_taken_through_hooks_of_the_script(watched: Watching) -> None:
    game, heard = Game(), []
    with watched(Players) as seen:
        for _ in range(4):
            fake = game.maker(torch.randn(8, 3)).detach()
            answer = game.judge(fake)
            answer.register_hook(heard.append)
            game.move(game.judge, game.loss(game.judge(torch.randn(8, 2)), True) + answer.mean())
    assert len(heard) == 4
    assert seen.view.trainings[0].places("judge_asks") == ()


def test_the_norm_of_a_judge_that_stays(watched: Watching) -> None:
    game = Game()
    norm = float(torch.cat([p.detach().flatten() for p in game.judge.parameters()]).norm())
    with watched(Players) as seen:
        for _ in range(4):
            game.own(torch.Tensor.detach).backward()
            game.move(game.maker, game.loss(game.judge(game.maker(torch.randn(8, 3))), True))
    values = seen.view.trainings[0].series("judge_weight_norm", "judge").values
    assert list(values) == pytest.approx([norm] * len(values), rel=1e-6)
    event = next(iter(seen.view.events("turn")))
    assert event.data["steps"] == [{"training": 0, "held": ["maker"], "moved": ["maker"]}]
    assert [p["filled"] for p in event.data["passes"]] == [[], ["judge"]]


def test_the_run_stays_the_same(watched: Watching) -> None:
    def weights() -> list[torch.Tensor]:
        game = Game(square)
        game.play()
        return [*game.maker.parameters(), *game.judge.parameters(), torch.get_rng_state()]

    plain = weights()
    with watched(Players):
        seen = weights()
    assert all(torch.equal(a, b) for a, b in zip(plain, seen, strict=True))


def test_holds() -> None:
    part = torch.arange(12.0).reshape(3, 4)
    more = torch.full((2, 4), -1.0)
    assert holds(part.clone(), part) is True
    assert holds(torch.cat([more, part]), part) is False
    assert holds(torch.cat([part, more]), part) is False
    assert holds(torch.cat([torch.zeros(3, 1), part], 1), part) is True
    assert holds(part + 1, part) is None
    assert holds(part.double(), part) is None
    assert holds(part[0], part) is None
    assert holds(torch.zeros(2, 2), part) is None
    assert holds(torch.zeros(()), torch.zeros(())) is None


@pytest.mark.parametrize(
    ("norm", "over"),
    [
        (lambda slope: slope.norm(2, dim=1), [1]),
        (lambda slope: slope.flatten(1).norm(2, dim=1), None),
        (lambda slope: torch.linalg.vector_norm(slope, dim=(1, 2, -1)), [1, 2, 3]),
        (lambda slope: slope.norm(), [0, 1, 2, 3]),
        (lambda slope: slope.square().sum(), None),
    ],
)
def test_the_norm_of_a_slope(norm: Any, over: list[int] | None, watched: Watching) -> None:
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(12, 1))
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    with watched(Penalties) as seen:
        for _ in range(3):
            x = torch.randn(5, 2, 4, 4, requires_grad=True)
            (slope,) = torch.autograd.grad(net(x).sum(), x, create_graph=True)
            optimizer.zero_grad()
            ((norm(slope) - 1) ** 2).mean().backward()
            optimizer.step()
    (event,) = seen.view.events("gradient_penalty")
    assert event.data["shape"] == [5, 2, 4, 4]
    assert event.data["over"] == over


def test_a_slope_that_is_no_part_of_a_loss(watched: Watching) -> None:
    net = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    with watched(Penalties) as seen:
        for _ in range(3):
            x = torch.randn(5, 2, requires_grad=True)
            torch.autograd.grad(net(x).sum(), x, create_graph=True)
            optimizer.zero_grad()
            net(x).mean().backward()
            optimizer.step()
    assert list(seen.view.events("gradient_penalty")) == []


def test_numbers_of_what_is_judged(watched: Watching) -> None:
    with watched(Players) as seen:
        Game().play()
    torch.manual_seed(0)
    own = seen.view.trainings[0]
    lows, highs = (own.series(f"judged_{end}", "judge on data").values for end in ("min", "max"))
    assert all(low < 0 < high for low, high in zip(lows, highs, strict=True))
    assert all(0.5 < s < 1.5 for s in own.series("judged_spread", "judge on data").values)
    assert float(spread(torch.tensor([[0.0, 1.0], [2.0, 1.0]]))) == pytest.approx(2**0.5 / 2)
    assert spread(torch.ones(1, 4)).isnan()
    weights = own.series("judge_weight_max", "judge").values
    assert all(0 < weight < 2 for weight in weights)


def test_the_distance_of_two_batches() -> None:
    """Of one number a row, at unit deviation, a shift by 3 is 3, whatever the order of the rows."""
    data = torch.randn(512, 1, generator=torch.Generator().manual_seed(1))
    data = (data - data.mean()) / data.std()
    there, moved = projected(data), projected(data.flip(0) + 3)
    assert there is not None
    assert moved is not None
    assert there.shape == (512, 64)
    assert float(distance(moved, there)) == pytest.approx(3.0, rel=1e-4)
    assert float(distance(there, there)) == 0.0
    assert float(distance(there[:100], there)) < 0.2
    collapsed = torch.zeros_like(there)
    assert float(distance(collapsed, there)) == pytest.approx(1.0, rel=1e-2)
    assert projected(torch.zeros(0, 3)) is None
    assert projected(torch.zeros(2, 1 << 17)) is None


def test_a_generator_that_learns_comes_nearer(watched: Watching) -> None:
    game = Game()
    with watched(Players) as seen:
        game.play()
    distances = seen.view.trainings[0].series("generated_distance", "judge on maker")
    assert len(distances) >= 5
    assert all(value > 0 for value in distances.values)
