"""Weight decay against L2, what it does for generalisation, and how a schedule changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .page import Measured, Page, Plot
from .small import digits, loss_and_accuracy, mlp, train

if TYPE_CHECKING:
    from torch import Tensor

PAGE = Page(
    question=(
        "Why does weight decay help, and is it the same as L2?",
        "权重衰减为什么有用，它和 L2 正则一样吗?",
    ),
    shows=(
        (
            "Two weights of 1, gradients around 0.01 and around 1, 200 steps of Adam with 0.1 of "
            "decay: AdamW (decoupled) leaves {w_small:.2f} and {w_large:.2f}, Adam with L2 "
            "{l2_small:.2f} and {l2_large:.2f}.",
            "两个等于 1 的权重，梯度分别在 0.01 和 1 左右，衰减 0.1，Adam 走 200 步：AdamW(解耦)剩下 "
            "{w_small:.2f} 和 {w_large:.2f}，Adam 加 L2 剩下 {l2_small:.2f} 和 {l2_large:.2f}。",
        ),
        (
            "By decay alone AdamW would leave {alone:.2f} of each: (1 - rate x decay) to the power "
            "200.",
            "只有衰减的话，AdamW 会各剩下 {alone:.2f}，即 (1 - 学习率 x 衰减) 的 200 次方。",
        ),
        (
            "For plain SGD the two are one: their weights differ by {sgd:.0e} after 200 steps.",
            "对普通 SGD，两者是一回事：200 步后权重相差 {sgd:.0e}。",
        ),
        (
            "Digits, 100 to train on: without decay the held-out loss is {loss0:.2f} and the weights "
            "have the norm {norm0:.0f}; with {best:g} they are {loss_best:.2f} and {norm_best:.0f}; "
            "with {most:g} {loss_most:.2f} and {norm_most:.1f}.",
            "手写数字，只用 100 个训练：没有衰减时，留出损失 {loss0:.2f}，权重范数 {norm0:.0f}；{best:g} 时是 "
            "{loss_best:.2f} 和 {norm_best:.0f}；{most:g} 时是 {loss_most:.2f} 和 {norm_most:.1f}。",
        ),
    ),
    plots=(
        Plot(
            ("Adam, the weight whose gradients are small", "Adam：梯度小的那个权重"),
            {
                "small_w": ("AdamW: decoupled", "AdamW：解耦"),
                "small_l2": ("Adam with L2", "Adam 加 L2"),
            },
            x=("step", "步"),
            y=("weight", "权重"),
        ),
        Plot(
            ("Digits, 100 training samples", "手写数字，100 个训练样本"),
            {
                "held": ("held-out loss", "留出损失"),
                "trained": ("training loss", "训练损失"),
            },
            x=("weight decay (AdamW)", "权重衰减(AdamW)"),
            log="xy",
        ),
    ),
    checks=(
        "l2-with-adaptive", "weight-decay-too-strong", "weight-decay-on-norms", "overfitting",
    ),
    tricks=("weight-decay", "optimizer"),
)  # fmt: skip

RATE, DECAY, STEPS = 0.005, 0.1, 200
DECAYS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)


def measure() -> Measured:
    """Decays two weights in two ways, and a network by several strengths."""
    import torch
    from torch import nn
    from torch.optim import SGD, Adam, AdamW

    numbers: dict[str, float] = {"alone": (1 - RATE * DECAY) ** STEPS}
    curves: dict[str, list[tuple[float, float]]] = {}
    noise = torch.randn(STEPS, 2) * torch.tensor([0.01, 1.0])
    for name, kind in (("w", AdamW), ("l2", Adam)):
        path = _path(kind, noise, RATE)
        curves[f"small_{name}"] = [(float(step), w[0]) for step, w in enumerate(path)]
        numbers |= {f"{name}_small": path[-1][0], f"{name}_large": path[-1][1]}
    l2 = _path(SGD, noise, RATE)[-1]
    apart = torch.ones(2)
    for gradient in noise:
        apart = apart * (1 - RATE * DECAY) - RATE * gradient
    numbers["sgd"] = float((torch.tensor(l2) - apart).abs().max())

    seen, held = digits(100)
    for key in ("held", "trained"):
        curves[key] = []
    results = {}
    for decay in (0.0, *DECAYS):
        torch.manual_seed(0)
        model = mlp([64, 64, 10], nn.ReLU)
        train(model, seen, AdamW(model.parameters(), lr=0.01, weight_decay=decay), 300, batch=50)
        norm = float(torch.cat([w.detach().flatten() for w in model.parameters()]).norm())
        results[decay] = loss_and_accuracy(model, held)[0], norm
        if decay:
            curves["held"].append((decay, results[decay][0]))
            curves["trained"].append((decay, loss_and_accuracy(model, seen)[0]))
    best = min(DECAYS, key=lambda decay: results[decay][0])
    for name, decay in (("0", 0.0), ("_best", best), ("_most", DECAYS[-1])):
        numbers[f"loss{name}"], numbers[f"norm{name}"] = results[decay]
    return Measured(numbers | {"best": best, "most": DECAYS[-1]}, curves)


def _path(kind: type, noise: Tensor, rate: float) -> list[list[float]]:
    """Returns two weights step by step, under gradients that are noise alone."""
    import torch

    weights = torch.nn.Parameter(torch.ones(2))
    optimizer = kind([weights], lr=rate, weight_decay=DECAY)
    path = [weights.tolist()]
    for gradient in noise:
        weights.grad = gradient.clone()
        optimizer.step()
        path.append(weights.tolist())
    return path
