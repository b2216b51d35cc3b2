"""Why a loss becomes NaN: the five usual ways, each made to happen."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .page import Measured, Page, Plot

if TYPE_CHECKING:
    from torch import Tensor

PAGE = Page(
    question=("Why is my loss NaN?", "损失为什么变成 NaN?"),
    shows=(
        (
            "log(softmax(x)) in float32 is -inf from a gap of {gap32:.0f} between logits on, in "
            "float16 of {gap16:.0f}; log_softmax never.",
            "float32 中，logits 相差 {gap32:.0f} 起 log(softmax(x)) 就是 -inf，float16 中是 "
            "{gap16:.0f}；log_softmax 从不如此。",
        ),
        (
            "exp overflows above {exp32:.2f} in float32 and above {exp16:.2f} in float16.",
            "exp 在 float32 中超过 {exp32:.2f} 溢出，在 float16 中超过 {exp16:.2f} 溢出。",
        ),
        (
            "1e-8 is {eps16:g} in float16, so log(0 + 1e-8) is {log_eps16:g} there all the same.",
            "1e-8 在 float16 中是 {eps16:g}，所以 log(0 + 1e-8) 在那里仍是 {log_eps16:g}。",
        ),
        (
            "sqrt at 0: the value is {root:g}, its derivative {slope:g}; behind torch.where, which "
            "does not choose it, the gradient is {where:g}.",
            "sqrt 在 0 处：值是 {root:g}，导数是 {slope:g}；放在没有选中它的 torch.where 后面，"
            "梯度是 {where:g}。",
        ),
        (
            "One NaN in one row of a batch of {rows:.0f}: after one step {spoiled:.0%} of the "
            "weights of the first layer are NaN.",
            "{rows:.0f} 行的批次中有一行含一个 NaN：一步之后，第一层 {spoiled:.0%} 的权重是 NaN。",
        ),
        (
            "A rate {over:g} times the largest stable one: the loss is not finite from step "
            "{died:.0f} on.",
            "学习率是最大稳定值的 {over:g} 倍：从第 {died:.0f} 步起损失不再是有限数。",
        ),
        (
            "Clipping by norm with one infinite gradient among {all:.0f} numbers leaves "
            "{zeros:.0f} times 0 and {nans:.0f} NaN: it spreads the fault.",
            "{all:.0f} 个梯度中有一个无穷大时按范数裁剪，得到 {zeros:.0f} 个 0 和 "
            "{nans:.0f} 个 NaN：裁剪把故障散开了。",
        ),
    ),
    plots=(
        Plot(
            ("The loss, and where it stops to be a number (×)", "损失，以及它不再是数的地方(×)"),
            {
                "right": ("right", "正常"),
                "rate": ("rate too large", "学习率过大"),
                "data": ("NaN in the data at step 20", "第 20 步数据中有 NaN"),
            },
            x=("step", "步"),
            y=("loss", "损失"),
            log="y",
        ),
        Plot(
            ("-log of the smaller probability", "较小概率的 -log"),
            {
                "good": ("log_softmax, float32", "log_softmax, float32"),
                "naive32": ("log(softmax), float32", "log(softmax), float32"),
                "naive16": ("log(softmax), float16", "log(softmax), float16"),
            },
            x=("gap between two logits", "两个 logits 之差"),
        ),
    ),
    checks=(
        "loss-not-finite", "weights-not-finite", "input-not-finite", "loss-outside-domain",
        "log-or-exp-in-half", "fp16-overflow", "mask-value-overflows", "eps-below-precision",
        "all-targets-ignored", "empty-batch", "learning-rate-too-high",
    ),
    tricks=("skip-non-finite", "float32-islands", "use-scaler", "lr", "warmup", "eps"),
)  # fmt: skip

ROWS, STEPS, OVER = 64, 120, 1.5


def measure() -> Measured:
    """Makes the first number that is not finite, in several ways."""
    import torch

    numbers: dict[str, float] = {"rows": ROWS, "over": OVER}
    curves: dict[str, list[tuple[float, float]]] = {}
    gaps = [float(gap) for gap in range(0, 131)]
    logits = torch.tensor([[gap, 0.0] for gap in gaps])
    losses = {
        "good": -logits.log_softmax(1)[:, 1],
        "naive32": -logits.softmax(1).log()[:, 1],
        "naive16": -logits.half().softmax(1).log()[:, 1].float(),
    }
    for name, loss in losses.items():
        curves[name] = list(zip(gaps, loss.tolist(), strict=True))
    for bits in ("32", "16"):
        numbers[f"gap{bits}"] = next(x for x, y in curves[f"naive{bits}"] if math.isinf(y))
        largest = torch.finfo(getattr(torch, f"float{bits}")).max
        numbers[f"exp{bits}"] = math.log(largest)
    small = torch.tensor(1e-8).half()
    numbers |= {"eps16": float(small), "log_eps16": float(small.log())}

    zero = torch.zeros((), requires_grad=True)
    root = zero.sqrt()
    root.backward()
    numbers |= {"root": float(root.detach()), "slope": _gradient(zero)}
    zero.grad = None
    torch.where(zero > 0, zero.sqrt(), zero).backward()
    numbers["where"] = _gradient(zero)

    gradient = torch.ones(10, requires_grad=True)
    gradient.grad = torch.ones(10)
    gradient.grad[3] = math.inf
    torch.nn.utils.clip_grad_norm_([gradient], 1.0)
    nans = int(gradient.grad.isnan().sum())
    numbers |= {"all": 10, "nans": nans, "zeros": int((gradient.grad == 0).sum())}

    x = torch.randn(ROWS, 8)
    y = x @ torch.randn(8, 1) + 0.3 * torch.randn(ROWS, 1)
    stable = float(ROWS / torch.linalg.eigvalsh(x.T @ x).max())  # 2 / the largest curvature of mse
    curves["right"], _ = _train(x, y, 0.3 * stable)
    curves["rate"], _ = _train(x, y, OVER * stable)
    numbers["died"] = next(step for step, loss in curves["rate"] if not math.isfinite(loss))
    curves["data"], numbers["spoiled"] = _train(x, y, 0.3 * stable, spoiled_at=20)
    return Measured(numbers, curves)


def _gradient(of: Tensor) -> float:
    assert of.grad is not None
    return float(of.grad)


def _train(
    x: Tensor, y: Tensor, rate: float, spoiled_at: int = -1
) -> tuple[list[tuple[float, float]], float]:
    """Fits a line by gradient descent, on data of which one number may be NaN at one step.

    Returns:
        The loss by step, and the share of weights that are NaN in the end.
    """
    import torch

    model = torch.nn.Linear(8, 1, bias=False)
    torch.nn.init.zeros_(model.weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    curve = []
    for step in range(STEPS):
        batch = x.clone()
        if step == spoiled_at:
            batch[5, 2] = math.nan
        loss = torch.nn.functional.mse_loss(model(batch), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        curve.append((float(step), float(loss.detach())))
    return curve, float(model.weight.isnan().float().mean())
