"""Activation functions: where their slopes vanish, and how units of a ReLU die."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .page import Measured, Page, Plot
from .small import digits, loss_and_accuracy, mlp, train

if TYPE_CHECKING:
    from torch import Tensor, nn

PAGE = Page(
    question=("Which activation, and when does it saturate or die?", "用哪种激活函数，什么时候会饱和或死掉?"),
    shows=(
        (
            "The slope of a sigmoid is largest at 0, {s0:.2f}; at 2 it is {s2:.3f}, at 5 {s5:.4f}, at 10 {s10:.1e}, at 17 in "
            "float32 {s17:g}: it saturates far from 0, not near it.",
            "sigmoid 的斜率在 0 处最大，{s0:.2f}；在 2 处 {s2:.3f}，5 处 {s5:.4f}，10 处 {s10:.1e}，float32 中 17 处 {s17:g}："
            "它在远离 0 的地方饱和，不是在它附近。",
        ),
        (
            "8 hidden layers, 200 steps of Adam on digits: sigmoid {sigmoid:.0%}, tanh {tanh:.0%}, ReLU {relu:.0%}, GELU "
            "{gelu:.0%}.",
            "8 个隐藏层，手写数字上 Adam 走 200 步：sigmoid {sigmoid:.0%}，tanh {tanh:.0%}，ReLU {relu:.0%}，GELU {gelu:.0%}。",
        ),
        (
            "Gradient of the first layer against that of the last at the start: sigmoid {g_sigmoid:.0e}, tanh {g_tanh:.2f}, "
            "ReLU {g_relu:.2f}.",
            "刚开始时第一层与最后一层的梯度之比：sigmoid {g_sigmoid:.0e}，tanh {g_tanh:.2f}，ReLU {g_relu:.2f}。",
        ),
        (
            "100 steps at a rate of 1.5: {dead:.0%} of the hidden ReLU units give 0 for every sample, and after 200 "
            "more at 0.3 {still:.0%}: they do not come back. With a leaky ReLU {leaky:.0%}.",
            "用学习率 1.5 走 100 步：{dead:.0%} 的 ReLU 隐藏单元对所有样本都是 0；再用 0.3 走 200 步，仍有 {still:.0%}："
            "它们回不来。用 leaky ReLU 是 {leaky:.0%}。",
        ),
    ),
    plots=(
        Plot(
            ("Slopes", "斜率"),
            {
                "sigmoid": ("sigmoid", "sigmoid"), "tanh": ("tanh", "tanh"), "relu": ("ReLU", "ReLU"),
                "gelu": ("GELU", "GELU"),
            },
            x=("x", "x"),
        ),
    ),
    checks=("saturated-activation", "dead-units", "vanishing-gradient", "linear-stack", "final-activation-mismatch"),
    tricks=("activation", "init", "norm", "lr"),
)  # fmt: skip


def measure() -> Measured:
    """Differentiates activations, trains deep networks with them, and kills units."""
    import torch
    from torch import nn

    kinds: dict[str, type[nn.Module]] = {
        "sigmoid": nn.Sigmoid,
        "tanh": nn.Tanh,
        "relu": nn.ReLU,
        "gelu": nn.GELU,
    }
    xs = torch.linspace(-6, 6, 121)
    curves = {
        name: list(zip(xs.tolist(), _slopes(kind(), xs).tolist(), strict=True))
        for name, kind in kinds.items()
    }
    places = torch.tensor([0.0, 2.0, 5.0, 10.0, 17.0])
    slopes = _slopes(nn.Sigmoid(), places).tolist()
    numbers = {f"s{int(x)}": slope for x, slope in zip(places.tolist(), slopes, strict=True)}

    seen, held = digits()
    for name, kind in kinds.items():
        torch.manual_seed(0)
        model = mlp([64] * 9 + [10], kind)
        for weight in model.parameters():
            if weight.dim() == 2:
                nn.init.xavier_normal_(weight, gain=2**0.5 if name in ("relu", "gelu") else 1.0)
        loss = nn.functional.cross_entropy(model(seen[0]), seen[1])
        weights = [w for w in model.parameters() if w.dim() == 2]
        sizes = [float(g.norm()) for g in torch.autograd.grad(loss, weights)]
        numbers[f"g_{name}"] = sizes[0] / sizes[-1]
        train(model, seen, torch.optim.Adam(model.parameters(), lr=0.002), 200)
        numbers[name] = loss_and_accuracy(model, held)[1]

    for dead, kind in (("dead", nn.ReLU), ("leaky", nn.LeakyReLU)):
        torch.manual_seed(0)
        model = mlp([64, 128, 10], kind)
        train(model, seen, torch.optim.SGD(model.parameters(), lr=1.5), 100)
        numbers[dead] = _dead(model, seen[0])
        if dead == "dead":
            train(model, seen, torch.optim.SGD(model.parameters(), lr=0.3), 200)
            numbers["still"] = _dead(model, seen[0])
    return Measured(numbers, curves)


def _slopes(activation: nn.Module, xs: Tensor) -> Tensor:
    import torch

    at = xs.clone().requires_grad_()
    return torch.autograd.grad(activation(at).sum(), at)[0]


def _dead(model: nn.Sequential, inputs: Tensor) -> float:
    """Returns the share of hidden units that give 0 for every input."""
    return float((model[:2](inputs).detach() == 0).all(0).float().mean())
