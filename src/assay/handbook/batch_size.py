"""Batch size against learning rate, and the gradient noise scale."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .page import Measured, Page, Plot, by_step
from .small import digits, loss_and_accuracy, mlp, train

if TYPE_CHECKING:
    from torch import Tensor

    from .small import Data

PAGE = Page(
    question=(
        "How do batch size and learning rate go together, and what is the gradient noise scale?",
        "批次大小和学习率怎样配合，什么是梯度噪声尺度?",
    ),
    shows=(
        (
            "The variance of a batch's gradient falls as 1/B: from B = 8 to 128 by a factor of {falls:.1f}.",
            "批次梯度的方差按 1/B 下降：从 B = 8 到 128 降了 {falls:.1f} 倍。",
        ),
        (
            "Noise scale, exactly: tr Σ/‖G‖² = {exact:.1f} samples. Estimated from batches of 8 and 128 in 200 steps: "
            "{ratio_of_means:.1f} as a ratio of means, {mean_of_ratios:.1f} as a mean of ratios.",
            "噪声尺度的精确值：tr Σ/‖G‖² = {exact:.1f} 个样本。由 8 和 128 的批次、200 步估计：平均之比 "
            "{ratio_of_means:.1f}，比之平均 {mean_of_ratios:.1f}。",
        ),
        (
            "SGD over the same 16 epochs: B = 16 with rate 0.02 ends at {sgd_small:.3f}; B = 128 at the same rate at "
            "{sgd_same:.2f}, at 8 times the rate at {sgd_linear:.3f}.",
            "SGD，同样 16 个周期：B = 16、学习率 0.02 的训练损失是 {sgd_small:.3f}；B = 128 用同样的学习率是 {sgd_same:.2f}，用 "
            "8 倍的学习率是 {sgd_linear:.3f}。",
        ),
        (
            "Adam where noise is all: from B = 8 to 128, the loss at which it hovers is {adam_sqrt:.2f} times as large "
            "with 4 times the rate (and 1 - beta times 16), {adam_linear:.1f} times with 16 times the rate.",
            "噪声占主导时的 Adam：从 B = 8 到 128，用 4 倍学习率(并把 1 - beta 乘 16)，它徘徊处的损失是原来的 {adam_sqrt:.2f} 倍；用 "
            "16 倍学习率是 {adam_linear:.1f} 倍。",
        ),
    ),
    plots=(
        Plot(
            ("Noise of the gradient of a batch", "批次梯度的噪声"),
            {"noise": ("measured", "测量"), "law": ("tr Σ / B", "tr Σ / B")},
            x=("batch size", "批次大小"), y=("variance", "方差"), log="xy",
        ),
        Plot(
            ("SGD: training loss by epoch", "SGD：每个周期的训练损失"),
            {
                "small": ("B = 16, rate 0.02", "B = 16，学习率 0.02"), "same": ("B = 128, rate 0.02", "B = 128，学习率 0.02"),
                "linear": ("B = 128, rate 0.16", "B = 128，学习率 0.16"),
            },
            x=("epoch", "周期"), y=("loss", "损失"), log="y",
        ),
    ),
    checks=("learning-rate-too-low", "learning-rate-too-high", "batchnorm-tiny-batch", "accumulation-not-normalised"),
    tricks=("scale-lr-with-batch", "accumulate", "lr", "warmup"),
)  # fmt: skip

SIZES = (8, 16, 32, 64, 128, 256)


def measure() -> Measured:
    """Measures the noise of gradients, and trains with two batch sizes by several rules."""
    import torch
    from torch import nn
    from torch.optim import SGD

    seen, _ = digits(1024)
    numbers: dict[str, float] = {}
    each = _sample_gradients(seen)
    mean = each.mean(0)
    spread = float((each - mean).square().sum(1).mean())  # tr Σ
    numbers["exact"] = spread / float(mean.square().sum())
    variances, squares = {}, {}
    for size in SIZES:
        drawn = torch.stack([each[torch.randint(1024, (size,))].mean(0) for _ in range(200)])
        variances[size] = float((drawn - mean).square().sum(1).mean())
        squares[size] = drawn.square().sum(1)
    numbers["falls"] = variances[8] / variances[128]
    noise = (squares[8] - squares[128]) / (1 / 8 - 1 / 128)
    signal = (128 * squares[128] - 8 * squares[8]) / (128 - 8)
    numbers["ratio_of_means"] = float(noise.mean() / signal.mean())
    numbers["mean_of_ratios"] = float((noise / signal).mean())
    curves = {
        "noise": [(float(size), variance) for size, variance in variances.items()],
        "law": [(float(size), spread / size) for size in SIZES],
    }

    def run(kind: type, size: int, rate: float, epochs: int) -> list[float]:
        torch.manual_seed(0)
        model = mlp([64, 32, 10], nn.ReLU)
        optimizer = kind(model.parameters(), lr=rate)
        losses = [loss_and_accuracy(model, seen)[0]]
        for _ in range(epochs):
            train(model, seen, optimizer, 1024 // size, batch=size)
            losses.append(loss_and_accuracy(model, seen)[0])
        return losses

    for name, size, rate in (("small", 16, 0.02), ("same", 128, 0.02), ("linear", 128, 0.16)):
        losses = run(SGD, size, rate, 16)
        curves[name], numbers[f"sgd_{name}"] = by_step(losses), losses[-1]
    base = _hovers(8, 0.002, 1.0)
    numbers |= {
        "adam_sqrt": _hovers(128, 0.008, 16.0) / base,
        "adam_linear": _hovers(128, 0.032, 16.0) / base,
    }
    return Measured(numbers, curves)


def _sample_gradients(data: Data) -> Tensor:
    """Returns the gradient of each sample, [n, parameters], of a softmax regression on its way."""
    import torch

    weights, goal = torch.zeros(64, 10), torch.nn.functional.one_hot(data[1], 10)
    for _ in range(15):
        weights -= 0.5 * data[0].T @ ((data[0] @ weights).softmax(1) - goal) / len(goal)
    errors = (data[0] @ weights).softmax(1) - goal
    return (data[0][:, :, None] * errors[:, None, :]).flatten(1)


def _hovers(size: int, rate: float, forgets: float) -> float:
    """Returns the mean loss of 200 weights under Adam, whose gradients are w and far more noise.

    Args:
        size: Of the batch.
        rate: Learning rate.
        forgets: What 1 - beta is multiplied by, for both betas.
    """
    import torch

    weights = torch.nn.Parameter(torch.zeros(200))
    betas = (1 - 0.01 * forgets, 1 - 0.001 * forgets)
    adam = torch.optim.Adam([weights], lr=rate, betas=betas)
    steps, losses = 128_000 // size, []
    for step in range(steps):
        weights.grad = weights.detach() + 10 / math.sqrt(size) * torch.randn(200)
        adam.step()
        if step >= steps // 2:
            losses.append(float(weights.detach().square().mean()))
    return sum(losses) / len(losses)
