"""A CNN, a transformer and a hybrid of both on the same images: parameters, work, accuracy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .page import Measured, Page, Plot, by_step
from .small import digits, loss_and_accuracy, set_rate, train

if TYPE_CHECKING:
    from torch import Tensor, nn

PAGE = Page(
    question=("CNN, transformer, or a hybrid of both?", "CNN、transformer，还是两者混合?"),
    shows=(
        (
            "Digits, 8 x 8: the CNN has {cnn_parameters:.0f} parameters and takes {cnn_work:.2f} million products an image, the "
            "transformer {vit_parameters:.0f} and {vit_work:.2f}, the hybrid {hybrid_parameters:.0f} and {hybrid_work:.2f}.",
            "8 x 8 的手写数字：CNN 有 {cnn_parameters:.0f} 个参数，每张图 {cnn_work:.2f} 百万次乘法；transformer 是 "
            "{vit_parameters:.0f} 和 {vit_work:.2f}；混合是 {hybrid_parameters:.0f} 和 {hybrid_work:.2f}。",
        ),
        (
            "150 steps on 200 images: held-out accuracy {cnn200:.1%}, {vit200:.1%}, {hybrid200:.1%}.",
            "200 张图像上训练 150 步：留出准确率 {cnn200:.1%}、{vit200:.1%}、{hybrid200:.1%}。",
        ),
        (
            "On 1200 images: {cnn1200:.1%}, {vit1200:.1%}, {hybrid1200:.1%}.",
            "1200 张图像上：{cnn1200:.1%}、{vit1200:.1%}、{hybrid1200:.1%}。",
        ),
        (
            "At the start a block with layer scale 0.1 changes what passes by {change:.0%}: the hybrid begins as its stem.",
            "刚开始时，带 0.1 层缩放的块只改变通过信号的 {change:.0%}：混合网络起步时就是它的卷积干。",
        ),
    ),
    plots=(
        Plot(
            ("Training loss on 1200 images", "1200 张图像上的训练损失"),
            {"cnn": ("CNN", "CNN"), "vit": ("transformer", "transformer"), "hybrid": ("hybrid", "混合")},
            x=("step", "步"), y=("mean of 10 steps", "10 步平均"), log="y",
        ),
    ),
    checks=("order-ignored", "attention-unscaled", "attention-over-wrong-dimension", "residual-scaled-away", "warmup-missing", "overfitting"),
    tricks=("drop-path", "warmup", "weight-decay", "norm"),
)  # fmt: skip

WIDTH, STEPS = 32, 150


def measure() -> Measured:
    """Trains the three on few and on all images, and counts their work."""
    import torch

    numbers: dict[str, float] = {}
    curves = {}
    for name, make in (("cnn", _cnn), ("vit", _transformer), ("hybrid", _hybrid)):
        for size in (200, 1200):
            seen, held = digits(1200)
            torch.manual_seed(0)
            model = make()
            optimizer = torch.optim.AdamW(model.parameters(), lr=0.003, weight_decay=0.05)

            def warm(step: int, of: torch.optim.Optimizer = optimizer) -> None:
                set_rate(of, 0.003 * min(1.0, (step + 1) / 20) * (1 - step / STEPS))

            losses = train(model, (seen[0][:size], seen[1][:size]), optimizer, STEPS, before=warm)
            numbers[f"{name}{size}"] = loss_and_accuracy(model, held)[1]
        curves[name] = [
            (10 * x, y)
            for x, y in by_step(sum(losses[k : k + 10]) / 10 for k in range(0, STEPS, 10))
        ]
        numbers[f"{name}_parameters"] = sum(w.numel() for w in model.parameters())
        numbers[f"{name}_work"] = _products(model) / 1e6
    torch.manual_seed(0)
    tokens = torch.randn(8, 16, WIDTH)
    numbers["change"] = float((_block()(tokens) - tokens).detach().norm() / tokens.norm())
    return Measured(numbers, curves)


def _residual(inside: nn.Module, keep: float = 1.0, scale: float | None = None) -> nn.Module:
    """Returns x + scale * inside(x), of which whole samples of the branch are dropped in training.

    Args:
        inside: The branch.
        keep: The chance that a sample keeps its branch.
        scale: Where the learnt scale of each channel begins; none if not given.
    """
    import torch
    from torch import nn

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inside = inside
            self.scale = None if scale is None else nn.Parameter(torch.full((WIDTH,), scale))

        def forward(self, x: Tensor) -> Tensor:
            branch = self.inside(x) if self.scale is None else self.scale * self.inside(x)
            if self.training and keep < 1:
                kept = torch.rand(len(x), *[1] * (x.dim() - 1)) < keep
                branch = branch * kept / keep
            return x + branch

    return Residual()


def _attention() -> nn.Module:
    import torch
    from torch import nn

    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.outer = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

        def forward(self, x: Tensor) -> Tensor:
            n, tokens, _ = x.shape
            parts = self.inner(x).view(n, tokens, 3, 4, WIDTH // 4).permute(2, 0, 3, 1, 4)
            mixed = torch.nn.functional.scaled_dot_product_attention(*parts)
            return self.outer(mixed.transpose(1, 2).reshape(n, tokens, WIDTH))

    return Attention()


def _block(keep: float = 0.9) -> nn.Module:
    """Returns a pre-norm transformer block with drop path and layer scale."""
    from torch import nn

    feed = nn.Sequential(
        nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(), nn.Linear(2 * WIDTH, WIDTH)
    )
    look = nn.Sequential(nn.LayerNorm(WIDTH), _attention())
    return nn.Sequential(_residual(look, keep, 0.1), _residual(feed, keep, 0.1))


def _places() -> nn.Module:
    """Returns what flattens [n, width, 4, 4] to tokens and adds a learnt position."""
    import torch
    from torch import nn

    class Places(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.place = nn.Parameter(0.02 * torch.randn(16, WIDTH))

        def forward(self, x: Tensor) -> Tensor:
            return x.flatten(2).transpose(1, 2) + self.place

    return Places()


def _head() -> list[nn.Module]:
    from torch import nn

    return [nn.LayerNorm(WIDTH), nn.Flatten(), nn.Linear(16 * WIDTH, 10)]


def _conv(into: int, out: int) -> list[nn.Module]:
    from torch import nn

    return [nn.Conv2d(into, out, 3, padding=1), nn.GroupNorm(4, out), nn.ReLU()]


def _cnn() -> nn.Module:
    from torch import nn

    stage = [_residual(nn.Sequential(*_conv(WIDTH, WIDTH))) for _ in range(2)]
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), *_conv(1, WIDTH), nn.MaxPool2d(2), *stage,
        nn.Flatten(), nn.Linear(16 * WIDTH, 10),
    )  # fmt: skip


def _transformer() -> nn.Module:
    from torch import nn

    patches = nn.Conv2d(1, WIDTH, 2, stride=2)
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), patches, _places(), _block(), _block(), *_head()
    )


def _hybrid() -> nn.Module:
    """Returns a convolution stem, one residual stage, then attention over what these have found."""
    from torch import nn

    stem = [nn.Unflatten(1, (1, 8, 8)), *_conv(1, WIDTH), nn.MaxPool2d(2)]
    stage = _residual(nn.Sequential(*_conv(WIDTH, WIDTH)))
    return nn.Sequential(*stem, stage, _places(), _block(), *_head())


def _products(model: nn.Module) -> float:
    """Returns how many products an image takes in convolutions, linear layers and attention."""
    import torch
    from torch import nn

    count = [0.0]

    def add(module: nn.Module, _: object, output: Tensor) -> None:
        if isinstance(module, nn.Conv2d):
            count[0] += output.numel() * module.weight[0].numel()
        elif isinstance(module, nn.Linear):
            count[0] += output.numel() * module.in_features
        else:
            count[0] += 2 * output.shape[1] ** 2 * WIDTH  # scores, and the sum that they weigh

    model.eval()
    hooks = [
        m.register_forward_hook(add)
        for m in model.modules()
        if isinstance(m, (nn.Conv2d, nn.Linear)) or type(m).__name__ == "Attention"
    ]
    with torch.no_grad():
        model(torch.zeros(1, 64))
    for hook in hooks:
        hook.remove()
    return count[0]
