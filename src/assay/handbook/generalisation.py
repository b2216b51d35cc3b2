"""What makes a network right on data it has not seen: more data, augmentation, stopping, ensembles."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .page import Measured, Page, Plot, by_step
from .small import digits, loss_and_accuracy, mlp

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .small import Data

PAGE = Page(
    question=(
        "Why does a network do well on data it has not seen, and what helps?",
        "网络为什么能在没见过的数据上做好，什么有帮助?",
    ),
    shows=(
        (
            "Digits, held-out accuracy with 50 training samples: MLP {mlp50:.0%}, CNN {cnn50:.0%}, CNN with images shifted "
            "by a pixel {shift50:.0%}; with 800: {mlp800:.0%}, {cnn800:.0%} and {shift800:.0%}.",
            "手写数字，50 个训练样本的留出准确率：MLP {mlp50:.0%}，CNN {cnn50:.0%}，CNN 加一个像素的平移 {shift50:.0%}；800 个："
            "{mlp800:.0%}，{cnn800:.0%}，{shift800:.0%}。",
        ),
        (
            "On held-out images shifted by a pixel: MLP {mlp_moved:.0%}, CNN {cnn_moved:.0%}, CNN trained with shifts "
            "{shift_moved:.0%}: an augmentation helps against the changes that it makes, and costs a little where there "
            "are none.",
            "在平移一个像素的留出图像上：MLP {mlp_moved:.0%}，CNN {cnn_moved:.0%}，用平移训练的 CNN {shift_moved:.0%}："
            "增强对它所做的那种变化有用，没有这种变化的地方要付一点代价。",
        ),
        (
            "A third of 300 labels random, MLP: held-out loss {lowest:.2f} at step {stop:.0f}, {overfit:.2f} at step 500, "
            "while the training loss falls from {train_then:.2f} to {train_end:.2f}: stopping in time is a regulariser.",
            "300 个标签中三分之一是随机的，MLP：第 {stop:.0f} 步留出损失 {lowest:.2f}，第 500 步 {overfit:.2f}，训练损失则从 "
            "{train_then:.2f} 降到 {train_end:.2f}：及时停止就是正则化。",
        ),
        (
            "5 MLPs from the same 100 samples: {single:.1%} on average, their averaged probabilities {ensemble:.1%}.",
            "5 个 MLP，用同样的 100 个样本训练：平均 {single:.1%}，概率平均之后 {ensemble:.1%}。",
        ),
        (
            "Is it an 8? 300 images of others, 15 of an 8: an 8 is recognised {rare:.0%} of the time, with weighted "
            "classes {rare_weighted:.0%}.",
            "是不是 8? 其他数字 300 张，8 只有 15 张：8 被认出 {rare:.0%}，按类别加权后 {rare_weighted:.0%}。",
        ),
        (
            "20 images of 5 to 9, on features learnt on 0 to 4: {transfer:.0%}; from scratch {scratch:.0%}: here "
            "features are not what is lacking.",
            "5 到 9 只有 20 张图像，用在 0 到 4 上学到的特征：{transfer:.0%}；从头训练：{scratch:.0%}：这里缺的不是特征。",
        ),
    ),
    plots=(
        Plot(
            ("Held-out accuracy by number of training samples", "留出准确率，随训练样本数"),
            {"mlp": ("MLP", "MLP"), "cnn": ("CNN", "CNN"), "shift": ("CNN, shifted images", "CNN，平移图像")},
            x=("training samples", "训练样本数"), y=("accuracy", "准确率"), log="x",
        ),
        Plot(
            ("A third of the labels random", "三分之一的标签随机"),
            {"held": ("held-out loss", "留出损失"), "trained": ("training loss", "训练损失")},
            x=("step", "步"), y=("loss", "损失"),
        ),
    ),
    checks=("overfitting", "underfitting", "best-checkpoint-passed", "class-imbalance", "train-eval-overlap", "train-eval-gap"),
    tricks=(
        "early-stop", "weight-decay", "dropout", "mixup", "cutmix", "label-smoothing", "balance-classes", "ema", "freeze",
        "layer-decay",
    ),
)  # fmt: skip

SIZES = (50, 100, 200, 400, 800)


def measure() -> Measured:
    """Trains on digits: few and many, clean and mislabelled, alone and together."""
    import torch
    from torch import nn

    seen, held = digits()
    moved = _shifted(held[0], torch.Generator().manual_seed(5)), held[1]
    numbers: dict[str, float] = {}
    curves: dict[str, list[tuple[float, float]]] = {"mlp": [], "cnn": [], "shift": []}
    for size in SIZES:
        data = seen[0][:size], seen[1][:size]
        for name in curves:
            torch.manual_seed(0)
            model = mlp([64, 64, 10], nn.ReLU) if name == "mlp" else _cnn()
            _fit(model, data, 150, shift=name == "shift")
            numbers[f"{name}{size}"] = loss_and_accuracy(model, held)[1]
            curves[name].append((float(size), numbers[f"{name}{size}"]))
            numbers[f"{name}_moved"] = loss_and_accuracy(model, moved)[1]
    numbers |= (
        _stopping(seen, held, curves)
        | _together(seen, held)
        | _rare(seen, held)
        | _transferred(seen, held)
    )
    return Measured(numbers, curves)


def _cnn() -> nn.Module:
    from torch import nn

    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10),
    )  # fmt: skip


def _shifted(images: Tensor, drawn: object) -> Tensor:
    """Returns images [n, 64], each moved by up to one pixel in both directions."""
    import torch

    assert isinstance(drawn, torch.Generator)
    padded = torch.nn.functional.pad(images.view(-1, 8, 8), (1, 1, 1, 1), value=float(images.min()))
    places = torch.randint(3, (len(images), 2), generator=drawn).tolist()
    return torch.stack(
        [p[a : a + 8, b : b + 8].flatten() for p, (a, b) in zip(padded, places, strict=True)]
    )


def _fit(
    model: nn.Module, data: Data, steps: int, *, shift: bool = False, weight: Tensor | None = None,
    each: Callable[[int], None] | None = None,
) -> None:  # fmt: skip
    """Trains with AdamW on batches of 32, which depend on the step alone."""
    import torch

    drawn = torch.Generator().manual_seed(1)
    optimizer = torch.optim.AdamW([w for w in model.parameters() if w.requires_grad], lr=0.005)
    for step in range(steps):
        if each:
            each(step)
        rows = torch.randint(len(data[0]), (32,), generator=drawn)
        images = _shifted(data[0][rows], drawn) if shift else data[0][rows]
        loss = torch.nn.functional.cross_entropy(model(images), data[1][rows], weight)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def _stopping(
    seen: Data, held: Data, curves: dict[str, list[tuple[float, float]]]
) -> dict[str, float]:
    """Trains on partly random labels, and looks for the step at which to stop."""
    import torch
    from torch import nn

    data = seen[0][:300], seen[1][:300].clone()
    data[1][:100] = torch.randint(10, (100,))
    torch.manual_seed(0)
    model, trained, kept = mlp([64, 128, 10], nn.ReLU), [], []

    def look(step: int) -> None:
        if step % 5 == 0:
            trained.append(loss_and_accuracy(model, data)[0])
            kept.append(loss_and_accuracy(model, held)[0])

    _fit(model, data, 501, each=look)
    for name, losses in (("held", kept), ("trained", trained)):
        curves[name] = [(5 * step, loss) for step, loss in by_step(losses)]
    stop = kept.index(min(kept))
    return {
        "lowest": kept[stop], "stop": 5 * stop, "overfit": kept[-1],
        "train_then": trained[stop], "train_end": trained[-1],
    }  # fmt: skip


def _together(seen: Data, held: Data) -> dict[str, float]:
    """Compares single networks with the mean of their probabilities."""
    import torch
    from torch import nn

    right, chances = [], []
    for seed in range(5):
        torch.manual_seed(seed)
        model = mlp([64, 64, 10], nn.ReLU)
        _fit(model, (seen[0][:100], seen[1][:100]), 100)
        right.append(loss_and_accuracy(model, held)[1])
        chances.append(model(held[0]).softmax(1).detach())
    both = torch.stack(chances).mean(0).argmax(1) == held[1]
    return {"single": sum(right) / 5, "ensemble": float(both.float().mean())}


def _rare(seen: Data, held: Data) -> dict[str, float]:
    """Trains on 300 samples of many classes as one and 15 of another, plainly and weighted."""
    import torch
    from torch import nn

    numbers = {}
    common, rare = (seen[1] != 8).nonzero()[:300, 0], (seen[1] == 8).nonzero()[:15, 0]
    rows = torch.cat([common, rare])
    data = seen[0][rows], (seen[1][rows] == 8).long()
    goal = held[0][held[1] == 8], torch.ones(int((held[1] == 8).sum()), dtype=torch.long)
    for name, weight in (("rare", None), ("rare_weighted", torch.tensor([1.0, 20.0]))):
        torch.manual_seed(0)
        model = mlp([64, 32, 2], nn.ReLU)
        _fit(model, data, 100, weight=weight)
        numbers[name] = loss_and_accuracy(model, goal)[1]
    return numbers


def _transferred(seen: Data, held: Data) -> dict[str, float]:
    """Trains on 5 to 9 from features of 0 to 4 with a new last layer, and from scratch."""
    import torch
    from torch import nn

    low, high = seen[1] < 5, seen[1] >= 5
    few = seen[0][high][:20], seen[1][high][:20]
    goal = held[0][held[1] >= 5], held[1][held[1] >= 5]
    numbers = {}
    for name in ("transfer", "scratch"):
        torch.manual_seed(0)
        model = mlp([64, 128, 10], nn.ReLU)
        if name == "transfer":
            _fit(model, (seen[0][low], seen[1][low]), 150)
            for weight in model[2].parameters():
                nn.init.zeros_(weight)
        _fit(model, few, 60)
        numbers[name] = loss_and_accuracy(model, goal)[1]
    return numbers
