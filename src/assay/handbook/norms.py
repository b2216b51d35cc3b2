"""BatchNorm, LayerNorm, InstanceNorm, GroupNorm, RMSNorm: what each takes its mean over."""

from __future__ import annotations

from .page import Measured, Page, Plot

PAGE = Page(
    question=(
        "What is the difference between BatchNorm, LayerNorm, GroupNorm and RMSNorm?",
        "BatchNorm、LayerNorm、GroupNorm 和 RMSNorm 有什么不同?",
    ),
    shows=(
        (
            "Of 4 samples with 6 channels of 5 x 5, BatchNorm takes {bn:.0f} means over {bn_of:.0f} "
            "numbers each, LayerNorm {ln:.0f} over {ln_of:.0f}, GroupNorm with 3 groups {gn:.0f} "
            "over {gn_of:.0f}, InstanceNorm {inn:.0f} over {in_of:.0f}.",
            "对 4 个样本、6 个通道、5 x 5 的输入，BatchNorm 求 {bn:.0f} 个均值，每个取自 {bn_of:.0f} "
            "个数；LayerNorm 是 {ln:.0f} 个，各 {ln_of:.0f} 个数；3 组的 GroupNorm 是 {gn:.0f} 个，各 "
            "{gn_of:.0f} 个数；InstanceNorm 是 {inn:.0f} 个，各 {in_of:.0f} 个数。",
        ),
        (
            "By hand, from these means: torch gives the same, to {differs:.0e}.",
            "按这些均值手算，与 torch 的结果相差不超过 {differs:.0e}。",
        ),
        (
            "One sample in a batch of 2: its 64 normalised numbers move by {noise2:.2f} when the "
            "other sample changes, in a batch of 128 by {noise128:.3f}; under LayerNorm by "
            "{noise_ln:g}.",
            "一个样本在大小为 2 的批次中：换掉另一个样本，它的 64 个归一化后的数变动 {noise2:.2f}；在 128 "
            "的批次中变动 {noise128:.3f}；在 LayerNorm 下变动 {noise_ln:g}。",
        ),
        (
            "In a batch of 2 vectors, {ones:.0%} of what BatchNorm gives is 1 or -1, whatever the "
            "inputs are (within 0.01).",
            "批次只有 2 个向量时，BatchNorm 的输出有 {ones:.0%} 是 1 或 -1(误差 0.01 以内)，"
            "与输入是什么无关。",
        ),
        (
            "In evaluation BatchNorm uses running averages: after 1 batch of training its answer is "
            "off by {gap1:.2f}, after 10 by {gap10:.2f}, after 50 by {gap50:.2f}.",
            "评估时 BatchNorm 用滑动平均：训练 1 个批次之后，它的输出差 {gap1:.2f}，10 个之后差 "
            "{gap10:.2f}，50 个之后差 {gap50:.2f}。",
        ),
        (
            "RMSNorm leaves the mean in: of inputs around 5, its outputs have the mean "
            "{rms_mean:.2f}, LayerNorm's {ln_mean:.2f}.",
            "RMSNorm 不减均值：输入在 5 附近时，它输出的均值是 {rms_mean:.2f}，LayerNorm 的是 "
            "{ln_mean:.2f}。",
        ),
        (
            "Its eps counts where numbers are small: of an input of 1e-3 it makes {eps_none:.3f} "
            "with torch's default, {eps_t5:.3f} with the 1e-6 of T5 and Llama.",
            "数很小时 eps 有影响：输入 1e-3，torch 的默认值给出 {eps_none:.3f}，T5 和 Llama 用的 1e-6 "
            "给出 {eps_t5:.3f}。",
        ),
    ),
    plots=(
        Plot(
            (
                "How far a sample moves as its batch is exchanged",
                "换掉批次里的其他样本，一个样本变动多少",
            ),
            {
                "noise_bn": ("BatchNorm", "BatchNorm"),
                "noise_ln": ("LayerNorm", "LayerNorm"),
            },
            x=("batch size", "批次大小"),
            y=("root mean square of the change", "变动的均方根"),
            log="x",
        ),
        Plot(
            ("BatchNorm: evaluation against training", "BatchNorm：评估与训练之差"),
            {"gap": ("difference of the answers", "输出之差")},
            x=("batches seen in training", "训练过的批次数"),
        ),
    ),
    checks=(
        "batchnorm-tiny-batch", "batchnorm-stale-statistics", "train-eval-gap",
        "train-mode-in-evaluation", "eval-mode-in-training", "average-without-buffers",
        "norm-eps-suspicious", "weight-decay-on-norms",
    ),
    tricks=("norm", "train-mode"),
)  # fmt: skip


def measure() -> Measured:
    """Compares what norms compute with a computation by hand, in training and in evaluation."""
    import torch
    from torch import nn

    x = 2 + 3 * torch.randn(4, 6, 5, 5)
    numbers: dict[str, float] = {"differs": 0.0}
    over = {
        "bn": (nn.BatchNorm2d(6), x, (0, 2, 3)),
        "ln": (nn.LayerNorm([6, 5, 5]), x, (1, 2, 3)),
        "in": (nn.InstanceNorm2d(6), x, (2, 3)),
        "gn": (nn.GroupNorm(3, 6), x.view(4, 3, 2, 5, 5), (2, 3, 4)),
    }
    for name, (norm, parts, axes) in over.items():
        mean, variance = parts.mean(axes, keepdim=True), parts.var(axes, False, keepdim=True)
        by_hand = ((parts - mean) / (variance + 1e-5).sqrt()).view_as(x)
        difference = float((norm(x) - by_hand).detach().abs().max())
        numbers["differs"] = max(numbers["differs"], difference)
        numbers["inn" if name == "in" else name] = mean.numel()
        numbers[f"{name}_of"] = x.numel() / mean.numel()

    sizes, curves = (2, 4, 8, 16, 32, 64, 128), {}
    for name, norm in (("bn", nn.BatchNorm1d(64)), ("ln", nn.LayerNorm(64))):
        curves[f"noise_{name}"] = [(float(n), _moved(norm, n)) for n in sizes]
    numbers |= {f"noise{int(n)}": moved for n, moved in curves["noise_bn"]}
    numbers["noise_ln"] = max(moved for _, moved in curves["noise_ln"])
    pairs = nn.BatchNorm1d(1000)(torch.randn(2, 1000)).detach()
    numbers["ones"] = float((pairs.abs() > 0.99).float().mean())

    norm = nn.BatchNorm1d(64)
    fixed, gap = 2 + 3 * torch.randn(256, 64), []
    for seen in range(1, 61):
        norm.train()(2 + 3 * torch.randn(32, 64))
        momentum, norm.momentum = norm.momentum, 0.0
        gap.append((float(seen), float((norm.train()(fixed) - norm.eval()(fixed)).detach().std())))
        norm.momentum = momentum
    curves["gap"] = gap
    numbers |= {"gap1": gap[0][1], "gap10": gap[9][1], "gap50": gap[49][1]}

    shifted = 5 + torch.randn(100, 64)
    numbers["rms_mean"] = float(nn.RMSNorm(64)(shifted).detach().mean())
    numbers["ln_mean"] = abs(float(nn.LayerNorm(64)(shifted).detach().mean()))
    small = torch.full((1, 8), 1e-3)
    numbers["eps_none"] = float(nn.RMSNorm(8)(small)[0, 0].detach())
    numbers["eps_t5"] = float(nn.RMSNorm(8, eps=1e-6)(small)[0, 0].detach())
    return Measured(numbers, curves)


def _moved(norm: object, size: int) -> float:
    """Returns how far a sample's normalised numbers lie from their mean over 40 batches."""
    import torch

    assert callable(norm)
    one = torch.randn(64)
    answers = []
    for _ in range(40):
        batch = torch.randn(size, 64)
        batch[0] = one
        answers.append(norm(batch)[0].detach())
    return float(torch.stack(answers).var(0).mean().sqrt())
