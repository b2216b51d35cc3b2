"""The words of distributed training, and its arithmetic, without starting a second process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .page import Measured, Page, Plot

if TYPE_CHECKING:
    from torch import Tensor, nn

PAGE = Page(
    question=(
        "What do rank, world size, all-reduce, DDP and sharding mean?",
        "rank、world size、all-reduce、DDP 和分片是什么意思?",
    ),
    shows=(
        (
            "4 ranks with equally many targets: the mean of their gradients is that of the whole batch, to {equal:.0e}; with "
            "10, 2, 1 and 3 it is off by {uneven:.0%}.",
            "4 个 rank，目标数相等：梯度的平均就是整个批次的梯度，误差 {equal:.0e}；若是 10、2、1、3 个，误差 {uneven:.0%}。",
        ),
        (
            "Sum of losses, divided by the count of all ranks, times 4 since DDP divides by 4: off by {right:.0e}; without the "
            "times 4 the gradient is {quarter:.2f} of what it should be.",
            "损失求和，除以所有 rank 的总数，再乘 4(因为 DDP 会除以 4)：误差 {right:.0e}；不乘 4，梯度只有应有的 {quarter:.2f}。",
        ),
        (
            "DistributedSampler deals 10 samples to 4 ranks as {each:.0f} each: {twice:.0f} are counted twice.",
            "DistributedSampler 把 10 个样本分给 4 个 rank，每个 {each:.0f} 个：有 {twice:.0f} 个被算了两次。",
        ),
        (
            "Without set_epoch the order of epoch 2 agrees with that of epoch 1 in {same:.0%} of the places, with it in "
            "{other:.0%}.",
            "不调用 set_epoch，第 2 个周期的顺序和第 1 个有 {same:.0%} 相同，调用了是 {other:.0%}。",
        ),
        (
            "A ring all-reduce of M numbers over 8 ranks sends {ring:.2f} M from each, over 64 {ring64:.2f} M: hardly more.",
            "8 个 rank 用环做 M 个数的 all-reduce，每个发送 {ring:.2f} M，64 个时 {ring64:.2f} M：几乎不增加。",
        ),
        (
            "Mixed precision with Adam, bytes a parameter on each of 8 ranks: DDP {ddp:.0f}, optimizer sharded {zero1:.1f}, "
            "gradients too {zero2:.2f}, all (FSDP) {zero3:.0f}.",
            "混合精度加 Adam，8 个 rank 上每个参数占的字节：DDP {ddp:.0f}，分片优化器 {zero1:.1f}，再分片梯度 {zero2:.2f}，全部分片"
            "(FSDP) {zero3:.0f}。",
        ),
    ),
    plots=(
        Plot(
            ("Bytes a parameter on each of 8 ranks", "8 个 rank，每个参数占的字节"),
            {
                "ddp": ("DDP: all of it everywhere", "DDP：处处一整份"), "zero1": ("optimizer sharded", "分片优化器"),
                "zero2": ("and gradients", "再分片梯度"), "zero3": ("and weights: FSDP", "再分片权重：FSDP"),
            },
            x=("bytes", "字节"), bars=True,
        ),
    ),
    checks=(
        "ranks-see-same-data", "sampler-epoch-not-set", "gradient-sum-not-mean", "loss-averaged-twice", "no-sync-missing",
        "replicas-diverged", "initial-weights-differ", "uneven-inputs", "wrapper-bypassed", "optimizer-before-shard",
        "saved-by-every-rank",
    ),
    tricks=("accumulate", "scale-lr-with-batch", "seed"),
)  # fmt: skip

RANKS = 4


def measure() -> Measured:
    """Computes the gradients of four ranks one after the other, and deals out samples."""
    import torch
    from torch import nn
    from torch.nn.functional import cross_entropy
    from torch.utils.data import DistributedSampler, TensorDataset

    model, numbers = nn.Linear(8, 3), {}
    for name, counts in (("equal", (4, 4, 4, 4)), ("uneven", (10, 2, 1, 3))):
        x, y = torch.randn(16, 8), torch.randint(3, (16,))
        shares = list(zip(x.split(list(counts)), y.split(list(counts)), strict=True))
        whole = _gradient(model, cross_entropy(model(x), y))
        mean = sum(_gradient(model, cross_entropy(model(a), b)) for a, b in shares) / RANKS
        numbers[name] = float((mean - whole).norm() / whole.norm())
    sums = [_gradient(model, cross_entropy(model(a), b, reduction="sum") / 16) for a, b in shares]
    averaged = torch.stack(sums).mean(0)  # what DDP does
    numbers["right"] = float((averaged * RANKS - whole).norm() / whole.norm())
    numbers["quarter"] = float(averaged.norm() / whole.norm())

    ten, thousand = TensorDataset(torch.arange(10)), TensorDataset(torch.arange(1000))
    dealt = [[*DistributedSampler(ten, RANKS, rank, shuffle=False)] for rank in range(RANKS)]
    everything = [sample for share in dealt for sample in share]
    numbers |= {"each": len(dealt[0]), "twice": len(everything) - len(set(everything))}
    for name, told in (("same", False), ("other", True)):
        sampler: DistributedSampler[int] = DistributedSampler(thousand, RANKS, 0)
        first = list(sampler)
        if told:
            sampler.set_epoch(1)
        numbers[name] = sum(a == b for a, b in zip(first, sampler, strict=True)) / len(first)
    numbers |= {"ring": 2 * 7 / 8, "ring64": 2 * 63 / 64}
    weights, gradients, state = 2, 2, 12  # half, half, and float32 weights with two moments
    numbers |= {
        "ddp": weights + gradients + state, "zero1": weights + gradients + state / 8,
        "zero2": weights + (gradients + state) / 8, "zero3": (weights + gradients + state) / 8,
    }  # fmt: skip
    return Measured(numbers)


def _gradient(model: nn.Module, loss: Tensor) -> Tensor:
    import torch

    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(model.parameters()))])
