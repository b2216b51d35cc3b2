"""Schedules drawn, compared on one training, and what surprises in torch's own."""

from __future__ import annotations

import math
from collections.abc import Callable

from .page import Measured, Page, Plot
from .small import digits, loss_and_accuracy, mlp, set_rate, train

PAGE = Page(
    question=("Which learning-rate schedules are there, and where do they surprise?", "有哪些学习率调度，它们有哪些意外?"),
    shows=(
        (
            "Digits, 300 noisy steps from the same rate, held-out loss at the end: constant {constant:.3f}, steps "
            "{steps:.3f}, cosine {cosine:.3f}, warm-up-stable-decay {wsd:.3f}, 1/sqrt {inverse:.3f}.",
            "手写数字，同一起始学习率，300 个有噪声的步，最后的留出损失：恒定 {constant:.3f}，分段 {steps:.3f}，余弦 "
            "{cosine:.3f}，预热-稳定-衰减 {wsd:.3f}，1/sqrt {inverse:.3f}。",
        ),
        (
            "CosineAnnealingLR(T_max=100) has the rate {at100:.2f} at 100, {at150:.2f} at 150 and {at200:.2f} at 200: "
            "it rises again.",
            "CosineAnnealingLR(T_max=100) 在 100 步时学习率是 {at100:.2f}，150 步 {at150:.2f}，200 步 {at200:.2f}：它又升回来了。",
        ),
        (
            "1/(1 + 0.1 t) after 20 steps: {time:.2f} of the first rate; dividing the last rate by 1 + 0.1 t at each step: "
            "{recursive:.0e}.",
            "1/(1 + 0.1 t) 走 20 步后是最初学习率的 {time:.2f}；若每步把上一步的学习率除以 1 + 0.1 t：{recursive:.0e}。",
        ),
        (
            "OneCycleLR changes Adam's beta1 too: 0.9 becomes {beta_first:.2f} at the start and {beta_mid:.2f} at the "
            "top.",
            "OneCycleLR 也会改 Adam 的 beta1：0.9 变成开头的 {beta_first:.2f} 和顶点的 {beta_mid:.2f}。",
        ),
        (
            "ReduceLROnPlateau at -1 with its default relative threshold takes -0.99995, which is worse, for an "
            "improvement ({fooled:.0f}); with threshold_mode='abs' it does not ({absolute:.0f}).",
            "ReduceLROnPlateau 在 -1 时用默认的相对阈值，会把更差的 -0.99995 当作改进({fooled:.0f})；用 threshold_mode='abs' 则"
            "不会({absolute:.0f})。",
        ),
    ),
    plots=(
        Plot(
            ("Share of the rate, by step", "学习率的比例，随步数"),
            {
                "constant": ("constant", "恒定"), "steps": ("steps", "分段"), "cosine": ("cosine", "余弦"),
                "wsd": ("warm-up-stable-decay", "预热-稳定-衰减"), "inverse": ("1/sqrt", "1/sqrt"),
            },
            x=("step", "步"),
        ),
        Plot(
            ("CosineAnnealingLR, T_max = 100", "CosineAnnealingLR，T_max = 100"),
            {"again": ("rate", "学习率")}, x=("step", "步"),
        ),
    ),
    checks=(
        "rate-rises-again", "rate-decays-too-early", "scheduler-never-stepped", "scheduler-unit-mismatch",
        "scheduler-before-optimizer", "plateau-mode-wrong", "lambda-returns-rate", "warmup-too-long",
    ),
    tricks=("schedule", "warmup", "lr"),
)  # fmt: skip

STEPS, RATE = 300, 0.5


def measure() -> Measured:
    """Draws schedules, trains with each, and asks torch's own where they surprise."""
    import torch
    from torch import nn
    from torch.optim import SGD, Adam
    from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR, ReduceLROnPlateau

    shapes: dict[str, Callable[[int], float]] = {
        "constant": lambda t: 1.0,
        "steps": lambda t: 0.1 ** (t // 100),
        "cosine": lambda t: (1 + math.cos(math.pi * t / STEPS)) / 2,
        "wsd": lambda t: min((t + 1) / 30, 1.0, (STEPS - t) / 90),
        "inverse": lambda t: min((t + 1) / 30, math.sqrt(30 / (t + 1))),
    }
    seen, held = digits()
    numbers: dict[str, float] = {}
    curves = {name: [(float(t), shape(t)) for t in range(STEPS)] for name, shape in shapes.items()}
    for name, shape in shapes.items():
        torch.manual_seed(0)
        model = mlp([64, 32, 10], nn.ReLU)
        optimizer = SGD(model.parameters(), lr=RATE)

        def before(step: int, shape: Callable[[int], float] = shape, of: SGD = optimizer) -> None:
            set_rate(of, RATE * shape(step))

        train(model, seen, optimizer, STEPS, batch=8, before=before)
        numbers[name] = loss_and_accuracy(model, held)[0]

    weights = [nn.Parameter(torch.zeros(1))]
    optimizer = SGD(weights, lr=1.0)
    cosine, again = CosineAnnealingLR(optimizer, T_max=100), []
    for step in range(201):
        again.append((float(step), optimizer.param_groups[0]["lr"]))
        optimizer.step()
        cosine.step()
    curves["again"] = again
    numbers |= {f"at{step}": again[step][1] for step in (100, 150, 200)}
    numbers |= {
        "time": 1 / (1 + 0.1 * 20),
        "recursive": 1 / math.prod(1 + 0.1 * t for t in range(1, 21)),
    }

    adam = Adam(weights, lr=0.1)
    cycle = OneCycleLR(adam, max_lr=0.1, total_steps=100)
    betas = []
    for _ in range(100):
        betas.append(adam.param_groups[0]["betas"][0])
        adam.step()
        cycle.step()
    numbers |= {"beta_first": betas[0], "beta_mid": min(betas)}
    plateaus = {
        "fooled": ReduceLROnPlateau(SGD(weights, lr=1.0)),
        "absolute": ReduceLROnPlateau(SGD(weights, lr=1.0), threshold_mode="abs"),
    }
    for name, plateau in plateaus.items():
        plateau.step(-1.0)
        plateau.step(-0.99995)
        numbers[name] = float(plateau.num_bad_epochs == 0)
    return Measured(numbers, curves)
