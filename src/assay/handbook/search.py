"""Searches for hyper-parameters compared, and why the best of many is worse than it looks."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from .page import Measured, Page, Plot, by_step

if TYPE_CHECKING:
    from torch import Tensor

PAGE = Page(
    question=("How do grid, random and model-based searches compare?", "网格、随机和基于模型的搜索相比如何?"),
    shows=(
        (
            "4 settings of which 1 matters much, 16 trials, mean of 100 searches: distance to the best loss {grid:.3f} with a "
            "grid, {random:.3f} at random, {sobol:.3f} spread evenly (Sobol), {evolve:.3f} by mutation of the best.",
            "4 个设置，其中 1 个很重要，16 次试验，100 次搜索的平均：离最优损失，网格 {grid:.3f}，随机 {random:.3f}，均匀散布(Sobol) "
            "{sobol:.3f}，变异最好者 {evolve:.3f}。",
        ),
        (
            "A Gaussian process that proposes where improvement is expected, 20 searches: {model:.3f}.",
            "用高斯过程挑预期改进最大的点，20 次搜索：{model:.3f}。",
        ),
        (
            "30 settings that are all the same, noise of 0.1 in each result: the best looks {luck:.2f} better than it is; run "
            "again on fresh seeds it is {again:.2f} better.",
            "30 个其实相同的设置，每个结果有 0.1 的噪声：最好的看起来好 {luck:.2f}；换新种子重跑，好 {again:.2f}。",
        ),
        (
            "A rate drawn evenly between 1e-5 and 0.1 lies above 0.01 in {linear:.0%} of the draws; drawn by factors, in "
            "{by_factor:.0%}.",
            "学习率在 1e-5 和 0.1 之间均匀抽取，{linear:.0%} 落在 0.01 以上；按倍数抽取是 {by_factor:.0%}。",
        ),
        (
            "Successive halving of 27 trials, keeping a third at 1, 3 and 9 epochs, costs {halving:.0f} epochs instead of "
            "{full:.0f}, and finds the best in {found:.0%} of 200 searches, where early losses say little it does in "
            "{misled:.0%}.",
            "逐次减半：27 个试验，在 1、3、9 个周期时留三分之一，花 {halving:.0f} 个周期而不是 {full:.0f}，200 次搜索中有 {found:.0%} 找到"
            "最好的；早期损失说明不了什么时，是 {misled:.0%}。",
        ),
    ),
    plots=(
        Plot(
            ("Distance to the best loss, by number of trials", "离最优损失，随试验次数"),
            {
                "grid": ("grid", "网格"), "random": ("random", "随机"), "sobol": ("Sobol", "Sobol"),
                "evolve": ("mutation", "变异"), "model": ("Gaussian process", "高斯过程"),
            },
            x=("trials", "试验次数"), log="y",
        ),
    ),
    checks=("unseeded", "runs-differ"),
    tricks=("seed", "lr", "weight-decay"),
)  # fmt: skip

TRIALS, SETTINGS = 16, 4
Search = Callable[[random.Random, Callable[[list[float]], float]], list[float]]


def measure() -> Measured:
    """Lets searches look for the minimum of losses whose place is drawn at random."""
    searches: dict[str, tuple[Search, int]] = {
        "grid": (_grid, 100), "random": (_random, 100), "sobol": (_sobol, 100),
        "evolve": (_evolve, 100), "model": (_model, 20),
    }  # fmt: skip
    curves: dict[str, list[tuple[float, float]]] = {}
    for name, (search, times) in searches.items():
        means = [0.0] * TRIALS
        for seed in range(times):
            chance = random.Random(seed)
            place = [chance.random() for _ in range(SETTINGS)]
            best = math.inf
            for trial, value in enumerate(search(chance, partial(_loss, place))):
                best = min(best, value)
                means[trial] += best / times
        curves[name] = by_step(means, first=1)
    numbers = {name: curve[-1][1] for name, curve in curves.items()}
    chance = random.Random(0)
    luck = [max(chance.gauss(0, 0.1) for _ in range(30)) for _ in range(1000)]
    again = [chance.gauss(0, 0.1) for _ in range(1000)]
    numbers |= {"luck": sum(luck) / 1000, "again": abs(sum(again) / 1000)}
    draws = [chance.uniform(1e-5, 0.1) for _ in range(10000)]
    factors = [10 ** chance.uniform(-5, -1) for _ in range(10000)]
    for name, rates in (("linear", draws), ("by_factor", factors)):
        numbers[name] = sum(rate > 0.01 for rate in rates) / 10000
    numbers |= {"full": 27 * 27, "halving": 27 * 1 + 9 * 2 + 3 * 6 + 1 * 18}
    numbers |= {"found": _halving(0.3), "misled": _halving(3.0)}
    return Measured(numbers, curves)


def _loss(place: list[float], x: list[float]) -> float:
    """Returns a loss from 0 that depends strongly on the first setting, little on the others."""
    weights = (1.0, 0.1, 0.02, 0.01)
    return sum(w * (a - b) ** 2 for w, a, b in zip(weights, x, place, strict=True))


def _grid(chance: random.Random, loss: Callable[[list[float]], float]) -> list[float]:
    points = [[0.25 + 0.5 * (k >> axis & 1) for axis in range(SETTINGS)] for k in range(TRIALS)]
    chance.shuffle(points)
    return [loss(point) for point in points]


def _random(chance: random.Random, loss: Callable[[list[float]], float]) -> list[float]:
    return [loss([chance.random() for _ in range(SETTINGS)]) for _ in range(TRIALS)]


def _sobol(chance: random.Random, loss: Callable[[list[float]], float]) -> list[float]:
    from torch.quasirandom import SobolEngine

    points = SobolEngine(SETTINGS, scramble=True, seed=chance.randrange(10**6)).draw(TRIALS)
    return [loss(point) for point in points.tolist()]


def _evolve(chance: random.Random, loss: Callable[[list[float]], float]) -> list[float]:
    """Begins with four at random, then mutates the best so far."""
    tried: list[tuple[float, list[float]]] = []
    for trial in range(TRIALS):
        if trial < 4:
            point = [chance.random() for _ in range(SETTINGS)]
        else:
            point = [min(1.0, max(0.0, x + chance.gauss(0, 0.2))) for x in min(tried)[1]]
        tried.append((loss(point), point))
    return [value for value, _ in tried]


def _model(chance: random.Random, loss: Callable[[list[float]], float]) -> list[float]:
    """Begins with four at random, then goes where a Gaussian process expects most improvement."""
    import torch

    points = torch.tensor([[chance.random() for _ in range(SETTINGS)] for _ in range(4)])
    values = [loss(point) for point in points.tolist()]
    drawn = torch.Generator().manual_seed(chance.randrange(10**6))
    while len(values) < TRIALS:
        known = torch.tensor(values)
        scaled = (known - known.mean()) / known.std()
        offered = torch.rand(512, SETTINGS, generator=drawn)
        inverse = torch.linalg.inv(_alike(points, points) + 1e-4 * torch.eye(len(points)))
        across = _alike(offered, points)
        mean = across @ inverse @ scaled
        spread = (1 - (across @ inverse * across).sum(1)).clamp_min(1e-9).sqrt()
        z = (scaled.min() - mean) / spread
        normal = torch.distributions.Normal(0.0, 1.0)
        expected = spread * (z * normal.cdf(z) + normal.log_prob(z).exp())
        best = offered[expected.argmax()]
        points = torch.cat([points, best[None]])
        values.append(loss(best.tolist()))
    return values


def _alike(a: Tensor, b: Tensor) -> Tensor:
    """Returns the covariance of a smooth function at points [n, d] and [m, d]."""
    return (-(a[:, None] - b[None]).square().sum(2) / (2 * 0.5**2)).exp()


def _halving(noise: float) -> float:
    """Returns how often successive halving keeps the best of 27 to the end.

    Args:
        noise: Of a loss after one epoch, against a spread of 1 between trials; falls with epochs.
    """
    chance, found = random.Random(1), 0
    for _ in range(200):
        finals = {trial: chance.gauss(0, 1) for trial in range(27)}
        left = list(finals)
        for epochs in (1, 3, 9):
            seen = {t: finals[t] + chance.gauss(0, noise / math.sqrt(epochs)) for t in left}
            left = sorted(left, key=lambda t: seen[t])[: len(left) // 3]
        found += left[0] == min(finals, key=lambda t: finals[t])
    return found / 200
