"""Averaging of weights, EWC against forgetting, distillation and FedAvg."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from .page import Measured, Page, Plot
from .small import digits, loss_and_accuracy, mlp, train

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .small import Data

PAGE = Page(
    question=(
        "May I average the weights of networks, and how does one learn without forgetting?",
        "网络的权重可以平均吗，怎样学新的而不忘旧的?",
    ),
    shows=(
        (
            "Two networks from different starts, {one:.1%} and {two:.1%}: their averaged weights {apart:.1%}, their averaged "
            "probabilities {chances:.1%}.",
            "两个起点不同的网络，{one:.1%} 和 {two:.1%}：权重平均 {apart:.1%}，概率平均 {chances:.1%}。",
        ),
        (
            "Two that went on from one trained start: {left:.1%} and {right:.1%}, their averaged weights {near:.1%}.",
            "两个从同一个训练好的起点继续：{left:.1%} 和 {right:.1%}，权重平均 {near:.1%}。",
        ),
        (
            "First 0 to 4, then 5 to 9: of the first task {forgot:.0%} is left, with EWC {kept:.0%}; of the second "
            "{second:.0%} and {second_ewc:.0%} are learnt.",
            "先学 0 到 4，再学 5 到 9：第一个任务剩下 {forgot:.0%}，用 EWC 剩下 {kept:.0%}；第二个任务学到 {second:.0%} 和 "
            "{second_ewc:.0%}。",
        ),
        (
            "Fisher information as the mean of squared gradients of samples sums to {fisher:.2f}; as the square of the mean "
            "gradient of batches of 32 to {wrong:.3f}.",
            "Fisher 信息取单样本梯度平方的平均，总和 {fisher:.2f}；取 32 个一批的平均梯度的平方，是 {wrong:.3f}。",
        ),
        (
            "FedAvg of clients with 500, 50 and 50 samples: weighted by samples {fed:.1%}, unweighted {unweighted:.1%} after 5 "
            "rounds.",
            "FedAvg，三个客户端各有 500、50、50 个样本：按样本加权 {fed:.1%}，不加权 {unweighted:.1%}，5 轮之后。",
        ),
        (
            "Distillation: the gradient at temperatures 1, 4 and 10 is {t1:.3f}, {t4:.3f}, {t10:.3f} with the factor T², and "
            "{t10_bare:.4f} at 10 without.",
            "蒸馏：温度 1、4、10 时，带因子 T² 的梯度是 {t1:.3f}、{t4:.3f}、{t10:.3f}；温度 10 不带因子是 {t10_bare:.4f}。",
        ),
    ),
    plots=(
        Plot(
            ("Loss between two networks", "两个网络之间的损失"),
            {"barrier": ("different starts", "起点不同"), "basin": ("one trained start", "同一训练好的起点")},
            x=("share of the second", "第二个所占的比例"), y=("held-out loss", "留出损失"), log="y",
        ),
    ),
    checks=("average-lags", "average-without-buffers", "checkpoint-partly-loaded", "initial-weights-differ"),
    tricks=("ema", "swa", "freeze", "layer-decay"),
)  # fmt: skip


def measure() -> Measured:
    """Averages networks, and trains one task after another."""
    import torch

    seen, held = digits()
    numbers: dict[str, float] = {}
    one, two = (_trained(seed, seen, 400) for seed in (0, 1))
    both = (one(held[0]).softmax(1) + two(held[0]).softmax(1)).argmax(1) == held[1]
    numbers |= {
        "one": loss_and_accuracy(one, held)[1], "two": loss_and_accuracy(two, held)[1],
        "apart": loss_and_accuracy(_between(one, two, 0.5), held)[1], "chances": float(both.float().mean()),
    }  # fmt: skip
    halves = [copy.deepcopy(one) for _ in range(2)]
    for half, part in zip(halves, (slice(0, 600), slice(600, 1200)), strict=True):
        train(half, (seen[0][part], seen[1][part]), torch.optim.SGD(half.parameters(), lr=0.1), 100)
    numbers |= {
        "left": loss_and_accuracy(halves[0], held)[1], "right": loss_and_accuracy(halves[1], held)[1],
        "near": loss_and_accuracy(_between(halves[0], halves[1], 0.5), held)[1],
    }  # fmt: skip
    shares = [k / 20 for k in range(21)]
    curves = {
        "barrier": [(s, loss_and_accuracy(_between(one, two, s), held)[0]) for s in shares],
        "basin": [
            (s, loss_and_accuracy(_between(halves[0], halves[1], s), held)[0]) for s in shares
        ],
    }
    numbers |= _forgetting(seen, held) | _federated(seen, held) | _distilled()
    return Measured(numbers, curves)


def _trained(seed: int, data: Data, steps: int) -> nn.Sequential:
    import torch
    from torch import nn

    torch.manual_seed(seed)
    model = mlp([64, 64, 64, 10], nn.ReLU)
    train(model, data, torch.optim.SGD(model.parameters(), lr=0.1), steps)
    return model


def _between(one: nn.Module, two: nn.Module, share: float) -> nn.Module:
    """Returns a network whose weights lie on the line between two."""
    import torch

    mixed = copy.deepcopy(one)
    with torch.no_grad():
        for weight, other in zip(mixed.parameters(), two.parameters(), strict=True):
            weight.lerp_(other, share)
    return mixed


def _forgetting(seen: Data, held: Data) -> dict[str, float]:
    """Trains on 0 to 4 and then on 5 to 9, with and without EWC."""
    import torch

    def part(data: Data, *, low: bool) -> Data:
        rows = (data[1] < 5) == low
        return data[0][rows], data[1][rows]

    first, second = part(seen, low=True), part(seen, low=False)
    start = _trained(0, first, 200)
    fisher = _fisher(start, first, 1)
    wrong = _fisher(start, first, 32)
    numbers = {
        "fisher": float(sum(f.sum() for f in fisher)),
        "wrong": float(sum(f.sum() for f in wrong)),
    }
    anchor = [w.detach().clone() for w in start.parameters()]
    for old, new, strength in (("forgot", "second", 0.0), ("kept", "second_ewc", 300.0)):
        model = copy.deepcopy(start)

        def pull(_: int, of: nn.Module = model, strength: float = strength) -> None:
            """Adds the gradient of strength/2 times the sum of F (w - w*)^2."""
            for weight, at, f in zip(of.parameters(), anchor, fisher, strict=True):
                assert weight.grad is not None
                weight.grad += strength * f * (weight.detach() - at)

        train(model, second, torch.optim.SGD(model.parameters(), lr=0.01), 300, after_backward=pull)
        numbers[old] = loss_and_accuracy(model, part(held, low=True))[1]
        numbers[new] = loss_and_accuracy(model, part(held, low=False))[1]
    return numbers


def _fisher(model: nn.Module, data: Data, batch: int) -> list[Tensor]:
    """Returns the mean of squared gradients, each of the mean loss of a batch (1: the right one)."""
    import torch

    weights = list(model.parameters())
    total = [torch.zeros_like(w) for w in weights]
    rows = torch.arange(len(data[0]) // 32 * 32).split(batch)[:320]
    for some in rows:
        loss = torch.nn.functional.cross_entropy(model(data[0][some]), data[1][some])
        for sum_, gradient in zip(total, torch.autograd.grad(loss, weights), strict=True):
            sum_ += gradient.square() / len(rows)
    return total


def _federated(seen: Data, held: Data) -> dict[str, float]:
    """Averages three clients after each round: one with many samples, two with few of two classes."""
    import torch
    from torch import nn

    rare = (seen[1] >= 8).nonzero()[:, 0]
    clients = [torch.arange(500), rare[:50], rare[50:100]]
    numbers = {}
    for name, weights in (("fed", [500.0, 50.0, 50.0]), ("unweighted", [1.0, 1.0, 1.0])):
        torch.manual_seed(0)
        server: nn.Module = mlp([64, 64, 10], nn.ReLU)
        for _ in range(5):
            models = []
            for rows in clients:
                model = copy.deepcopy(server)
                train(
                    model,
                    (seen[0][rows], seen[1][rows]),
                    torch.optim.SGD(model.parameters(), lr=0.1),
                    30,
                )
                models.append(model)
            with torch.no_grad():
                for mean, *each in zip(
                    server.parameters(), *(m.parameters() for m in models), strict=True
                ):
                    mean.copy_(
                        sum(w * p for w, p in zip(weights, each, strict=True)) / sum(weights)
                    )
        numbers[name] = loss_and_accuracy(server, held)[1]
    return numbers


def _distilled() -> dict[str, float]:
    """Differentiates the distillation loss at several temperatures."""
    import torch
    from torch.nn.functional import kl_div

    torch.manual_seed(0)
    teacher, student = 3 * torch.randn(64, 10), torch.randn(64, 10, requires_grad=True)
    numbers = {}
    for temperature in (1, 4, 10):
        divergence = kl_div(
            (student / temperature).log_softmax(1), (teacher / temperature).log_softmax(1),
            reduction="batchmean", log_target=True,
        )  # fmt: skip
        size = float(torch.autograd.grad(divergence, student)[0].norm())
        numbers[f"t{temperature}"] = size * temperature**2
    return numbers | {"t10_bare": numbers["t10"] / 100}
