"""Adam's betas and eps: how long it remembers, and below which gradient it stops to adapt."""

from __future__ import annotations

import math

from .page import Measured, Page, Plot, by_step

PAGE = Page(
    question=("What do Adam's betas and eps do, and when is Adam wrong?", "Adam 的 beta 和 eps 有什么用，Adam 何时出错?"),
    shows=(
        (
            "First step, gradient 0.001: with bias correction the weight moves by {corrected:.3f} rates, "
            "without it by {raw:.3f}.",
            "第一步，梯度 0.001：有偏差修正时权重移动 {corrected:.3f} 个学习率，没有时移动 {raw:.3f} 个。",
        ),
        (
            "One gradient of 1000 among gradients of 1: the steps after it fall to {burst999:.3f} of "
            "a rate with beta2 = 0.999, and need {back999:.0f} steps to come back to half; with 0.95 "
            "{back95:.0f}.",
            "梯度都是 1，其中有一个 1000：beta2 = 0.999 时，之后的步长降到学习率的 {burst999:.3f}，{back999:.0f} "
            "步后才恢复到一半；0.95 时是 {back95:.0f} 步。",
        ),
        (
            "Gradients of 1e-8: with eps = 1e-8 Adam moves by {eps8:.2f} rates a step, with 1e-5 by "
            "{eps5:.4f}, with 1e-12 by {eps12:.2f}.",
            "梯度是 1e-8：eps = 1e-8 时 Adam 每步移动 {eps8:.2f} 个学习率，1e-5 时 {eps5:.4f} 个，1e-12 时 "
            "{eps12:.2f} 个。",
        ),
        (
            "In float16 the eps 1e-8 is {half:g}: a gradient of 0 then makes {nan:g} of a weight.",
            "在 float16 中 eps 1e-8 是 {half:g}：梯度为 0 时权重变成 {nan:g}。",
        ),
        (
            "A gradient of 3, then twice -1, in turn: on average it pulls the weight down, but Adam with "
            "beta2 = 0.1 ends at {reddi:.2f}, where the best is -1; AMSGrad at {ams:.2f}.",
            "梯度轮流是一次 3、两次 -1：平均来看应向下走，beta2 = 0.1 的 Adam 却停在 {reddi:.2f}，最好是 -1；"
            "AMSGrad 停在 {ams:.2f}。",
        ),
    ),
    plots=(
        Plot(
            ("Length of steps after one burst at step 50", "第 50 步一次突发之后的步长"),
            {"burst999": ("beta2 = 0.999", "beta2 = 0.999"), "burst99": ("0.99", "0.99"), "burst95": ("0.95", "0.95")},
            x=("step", "步"), y=("in rates", "以学习率为单位"),
        ),
        Plot(
            ("Length of a step, by the size of gradients", "步长，随梯度大小"),
            {"size8": ("eps = 1e-8", "eps = 1e-8"), "size5": ("eps = 1e-5", "eps = 1e-5")},
            x=("gradient", "梯度"), y=("in rates", "以学习率为单位"), log="x",
        ),
        Plot(
            ("Where Adam goes the wrong way", "Adam 走反的例子"),
            {"wrong": ("Adam, beta2 = 0.1", "Adam，beta2 = 0.1"), "amsgrad": ("AMSGrad", "AMSGrad")},
            x=("step", "步"), y=("weight, the best is -1", "权重，最好是 -1"),
        ),
    ),
    checks=("betas-extreme", "eps-below-precision", "l2-with-adaptive", "updates-lost"),
    tricks=("betas", "eps", "optimizer", "warmup"),
)  # fmt: skip


def measure() -> Measured:
    """Feeds Adam gradients that are made up, and looks at its steps."""
    import torch

    curves: dict[str, list[tuple[float, float]]] = {}
    numbers: dict[str, float] = {
        "corrected": _lengths([1e-3])[0], "raw": (0.1 * 1e-3) / (math.sqrt(0.001 * 1e-6) + 1e-8),
    }  # fmt: skip
    burst = [1.0] * 50 + [1000.0] + [1.0] * 7000
    for beta in (0.999, 0.99, 0.95):
        name = f"{beta:g}".removeprefix("0.")
        lengths = _lengths(burst, betas=(0.9, beta))
        curves[f"burst{name}"] = by_step(lengths[:300])
        numbers[f"burst{name}"] = min(lengths[51:])
        calm = 51 + lengths[51:].index(min(lengths[51:]))
        back = next((s for s in range(calm, len(lengths)) if lengths[s] > 0.5), len(lengths))
        numbers[f"back{name}"] = back - 50
    for eps in (8, 5, 12):
        numbers[f"eps{eps}"] = _lengths([1e-8] * 20, eps=10.0**-eps)[-1]
    for eps in (8, 5):
        sizes = [10 ** (k / 2) for k in range(-24, 1)]
        curves[f"size{eps}"] = [(g, _lengths([g], eps=10.0**-eps)[0]) for g in sizes]

    numbers["half"] = float(torch.tensor(1e-8).half())
    weight = torch.nn.Parameter(torch.ones(1, dtype=torch.float16))
    weight.grad = torch.zeros_like(weight)
    torch.optim.Adam([weight], foreach=False).step()
    numbers["nan"] = float(weight.detach())
    for name, amsgrad in (("wrong", False), ("amsgrad", True)):
        curves[name] = _online(amsgrad=amsgrad)
    numbers |= {"reddi": curves["wrong"][-1][1], "ams": curves["amsgrad"][-1][1]}
    return Measured(numbers, curves)


def _lengths(
    gradients: list[float], betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8
) -> list[float]:
    """Returns the length of each of Adam's steps, in rates."""
    import torch

    weight = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    adam = torch.optim.Adam([weight], lr=1.0, betas=betas, eps=eps)
    lengths = []
    for gradient in gradients:
        before = float(weight.detach())
        weight.grad = torch.full_like(weight, gradient)
        adam.step()
        lengths.append(abs(float(weight.detach()) - before))
    return lengths


def _online(*, amsgrad: bool) -> list[tuple[float, float]]:
    """Returns the weight, kept in -1 to 1, under the gradients of Reddi et al. (2018)."""
    import torch

    weight = torch.nn.Parameter(torch.zeros(1))
    adam = torch.optim.Adam([weight], lr=0.01, betas=(0.0, 0.1), amsgrad=amsgrad)
    path = []
    for step in range(3000):
        weight.grad = torch.full_like(weight, 3.0 if step % 3 == 0 else -1.0)
        if step % 30 == 0:
            path.append((float(step), float(weight.detach())))
        adam.step()
        with torch.no_grad():
            weight.clamp_(-1, 1)
    return path
