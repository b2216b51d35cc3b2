"""Lipschitz constants, Jacobians through depth, and what spectral norm bounds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .page import Measured, Page, Plot

if TYPE_CHECKING:
    from torch import Tensor

PAGE = Page(
    question=(
        "What is a network's Lipschitz constant, and what does spectral norm do?",
        "什么是网络的 Lipschitz 常数，谱归一化有什么用?",
    ),
    shows=(
        (
            "4 layers of 64 units: the product of their largest singular values is {bound:.1f}; the largest Jacobian "
            "among 500 inputs has {local:.2f}: the product is an upper bound, and a loose one.",
            "4 层、每层 64 个单元：各层最大奇异值的乘积是 {bound:.1f}；500 个输入处的雅可比最大是 {local:.2f}：乘积只是上界，"
            "而且很松。",
        ),
        (
            "Under spectral norm each layer's largest singular value is {normed:.3f}, so the product is at most "
            "{normed_product:.2f}.",
            "谱归一化之后每层最大奇异值是 {normed:.3f}，所以乘积不超过 {normed_product:.2f}。",
        ),
        (
            "A convolution of 8 x 8 channels, 3 x 3: the matrix that spectral norm looks at has the norm "
            "{matrix:.2f}, the convolution itself {conv:.2f}, {ratio:.2f} times as much.",
            "8 x 8 通道、3 x 3 的卷积：谱归一化看的矩阵范数是 {matrix:.2f}，卷积本身是 {conv:.2f}，是它的 {ratio:.2f} 倍。",
        ),
        (
            "Through 20 random linear layers that keep the mean size, the largest singular value of the whole is "
            "{high:.1f}, and a quarter of them lie below {low:.0e}; through orthogonal ones all stay at {orthogonal:.2f}.",
            "经过 20 个保持平均大小的随机线性层，整体最大的奇异值是 {high:.1f}，四分之一低于 {low:.0e}；正交的层则都保持 "
            "{orthogonal:.2f}。",
        ),
        (
            "Power iteration for the largest eigenvalue of a matrix with 3 and -5 comes to {power:.2f}: the largest "
            "by magnitude.",
            "对特征值为 3 和 -5 的矩阵用幂迭代求最大特征值，得到 {power:.2f}：它求的是绝对值最大的。",
        ),
    ),
    plots=(
        Plot(
            ("Singular values of the product of layers", "各层乘积的奇异值"),
            {
                "largest": ("random: largest", "随机：最大"), "median": ("random: median", "随机：中位"),
                "quarter": ("random: lowest quarter", "随机：最低四分之一"),
                "orthogonal": ("orthogonal: all", "正交：全部"),
            },
            x=("layers", "层数"), log="y",
        ),
    ),
    checks=("exploding-gradient", "vanishing-gradient", "initial-scale"),
    tricks=("spectral-norm", "init", "clip-norm", "norm"),
)  # fmt: skip


def measure() -> Measured:
    """Compares bounds with what is measured, for linear layers and a convolution."""
    import torch
    from torch import nn
    from torch.nn.utils import parametrizations

    layers = [nn.Linear(64, 64, bias=False) for _ in range(4)]
    for layer in layers:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    norms = [float(torch.linalg.matrix_norm(layer.weight.detach(), 2)) for layer in layers]
    local = 0.0
    for x in torch.randn(500, 64):
        jacobian = torch.eye(64)
        for layer in layers:
            x = layer(x).relu().detach()
            jacobian = (x > 0).float()[:, None] * (layer.weight.detach() @ jacobian)
        local = max(local, float(torch.linalg.matrix_norm(jacobian, 2)))
    numbers = {"bound": math.prod(norms), "local": local}

    normed = []
    for layer in layers:
        parametrizations.spectral_norm(layer)
        for _ in range(100):
            layer(torch.randn(1, 64))  # one round of power iteration each
        normed.append(float(torch.linalg.matrix_norm(layer.weight.detach(), 2)))
    numbers |= {"normed": max(normed), "normed_product": math.prod(normed)}

    kernel = torch.randn(8, 8, 3, 3)
    numbers["matrix"] = float(torch.linalg.matrix_norm(kernel.flatten(1), 2))
    numbers["conv"] = _convolution_norm(kernel)
    numbers["ratio"] = numbers["conv"] / numbers["matrix"]

    curves: dict[str, list[tuple[float, float]]] = {
        name: [] for name in ("largest", "median", "quarter", "orthogonal")
    }
    chain = straight = torch.eye(100, dtype=torch.float64)
    for depth in range(1, 21):
        chain = torch.randn(100, 100, dtype=torch.float64) / 10 @ chain
        turn = nn.init.orthogonal_(torch.empty(100, 100, dtype=torch.float64))
        straight = turn @ straight
        values = torch.linalg.svdvals(chain).tolist()
        for name, place in (("largest", 0), ("median", 50), ("quarter", 75)):
            curves[name].append((float(depth), values[place]))
        curves["orthogonal"].append((float(depth), float(torch.linalg.svdvals(straight)[0])))
    numbers |= {"high": values[0], "low": values[75], "orthogonal": curves["orthogonal"][-1][1]}

    matrix, x = torch.diag(torch.tensor([3.0, -5.0])), torch.ones(2)
    for _ in range(100):
        x = matrix @ x / x.norm()
    numbers["power"] = float(x @ matrix @ x / (x @ x))
    return Measured(numbers, curves)


def _convolution_norm(kernel: Tensor) -> float:
    """Returns the operator norm of a convolution on 16 x 16 images, by power iteration on AᵀA."""
    import torch

    x = torch.randn(1, kernel.shape[1], 16, 16)
    norm = 0.0
    for _ in range(200):
        x = x / x.norm()
        y = torch.nn.functional.conv2d(x, kernel, padding=1)
        norm = float(y.norm())
        x = torch.nn.functional.conv_transpose2d(y, kernel, padding=1)
    return norm
