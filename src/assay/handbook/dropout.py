"""Dropout and drop path: what they divide by, and what they do in training and in evaluation."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from .page import Measured, Page, Plot
from .small import digits, loss_and_accuracy, mlp, train

if TYPE_CHECKING:
    from torch import Tensor, nn

PAGE = Page(
    question=("What do dropout and drop path do, in training and in evaluation?", "dropout 和 drop path 在训练和评估时各做什么?"),
    shows=(
        (
            "nn.Dropout(0.2) on numbers of 1: in training {zeros:.0%} are 0 and the others {kept:.2f}, so that the "
            "mean stays {mean:.2f}; in evaluation all are {eval:.2f}: nothing is scaled there.",
            "对全 1 的输入用 nn.Dropout(0.2)：训练时 {zeros:.0%} 变成 0，其余是 {kept:.2f}，均值保持 {mean:.2f}；"
            "评估时全是 {eval:.2f}：那时不做任何缩放。",
        ),
        (
            "What it does change is the variance: of standard normal numbers it makes {variance:.2f}; a "
            "BatchNorm behind it learns that, and is wrong by the factor in evaluation.",
            "它改变的是方差：标准正态的数变成 {variance:.2f}；后面的 BatchNorm 学到的是它，评估时就差了这个倍数。",
        ),
        (
            "Drop path of 0.2 on a branch drops whole samples: {dropped:.0%} of them; divided by 0.8 the mean "
            "is {path:.2f}, undivided {undivided:.2f}.",
            "对分支用 0.2 的 drop path，丢掉的是整个样本：{dropped:.0%} 的样本；除以 0.8，均值是 {path:.2f}，"
            "不除是 {undivided:.2f}。",
        ),
        (
            "Digits, 200 to train on, a fifth of them labelled at random: held-out loss {loss0:.2f} without dropout, {loss_best:.2f} with "
            "{best:g}, {loss90:.2f} with 0.9.",
            "手写数字，200 个训练样本，五分之一的标签是随机的：不用 dropout，留出损失 {loss0:.2f}；用 {best:g} 是 {loss_best:.2f}；用 0.9 是 "
            "{loss90:.2f}。",
        ),
        (
            "The same batch, with dropout 0.6: loss {in_train:.2f} in training mode, {in_eval:.2f} in "
            "evaluation mode: a training loss above the held-out one is no fault.",
            "同一批数据，dropout 0.6：训练模式下损失 {in_train:.2f}，评估模式下 {in_eval:.2f}：训练损失高于留出损失"
            "不是故障。",
        ),
    ),
    plots=(
        Plot(
            ("Digits, 200 training samples", "手写数字，200 个训练样本"),
            {"held": ("held-out loss", "留出损失"), "trained": ("training loss, evaluation mode", "训练损失，评估模式")},
            x=("dropout", "dropout 比例"), log="y",
        ),
    ),
    checks=("dropout-too-high", "train-mode-in-evaluation", "eval-mode-in-training", "eval-better-than-train", "residual-scaled-away", "overfitting"),
    tricks=("dropout", "drop-path", "train-mode"),
)  # fmt: skip

SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9)


def measure() -> Measured:
    """Drops activations and whole branches, and trains with several shares dropped."""
    import torch
    from torch import nn

    ones = torch.ones(100_000)
    dropped = nn.Dropout(0.2)(ones)
    numbers: dict[str, float] = {
        "zeros": float((dropped == 0).float().mean()), "kept": float(dropped.max()),
        "mean": float(dropped.mean()), "eval": float(nn.Dropout(0.2).eval()(ones).mean()),
        "variance": float(nn.Dropout(0.2)(torch.randn(100_000)).var()),
    }  # fmt: skip
    branch = torch.ones(10_000, 8)
    path = _drop_path(branch, 0.2)
    numbers |= {
        "dropped": float((path.sum(1) == 0).float().mean()), "path": float(path.mean()),
        "undivided": float((path * 0.8).mean()),
    }  # fmt: skip

    seen, held = digits(200)
    wrong = torch.rand(200) < 0.2
    seen[1][wrong] = torch.randint(10, (int(wrong.sum()),))
    results = {}
    for share in SHARES:
        torch.manual_seed(0)
        model = mlp([64, 128, 10], partial(_between, share))
        train(model, seen, torch.optim.AdamW(model.parameters(), lr=0.005), 300)
        results[share] = loss_and_accuracy(model, held)[0], loss_and_accuracy(model, seen)[0]
        if share == 0.6:
            numbers["in_eval"] = results[share][1]
            model.train()
            with torch.no_grad():
                losses = [nn.functional.cross_entropy(model(seen[0]), seen[1]) for _ in range(20)]
            numbers["in_train"] = float(torch.stack(losses).mean())
    best = min(SHARES, key=lambda share: results[share][0])
    numbers |= {
        "loss0": results[0.0][0],
        "best": best,
        "loss_best": results[best][0],
        "loss90": results[0.9][0],
    }
    curves = {
        "held": [(share, result[0]) for share, result in results.items()],
        "trained": [(share, result[1]) for share, result in results.items()],
    }
    return Measured(numbers, curves)


def _between(share: float) -> nn.Module:
    from torch import nn

    return nn.Sequential(nn.ReLU(), nn.Dropout(share))


def _drop_path(branch: Tensor, share: float) -> Tensor:
    """Returns a branch of which whole samples are dropped, with the mean kept."""
    import torch

    keep = torch.rand(len(branch), 1) >= share
    return branch * keep / (1 - share)
