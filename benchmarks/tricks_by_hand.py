"""The training loop of `tricks.py`, and every trick as a person would write it into that loop."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations

Act = Callable[["Loop"], Any]
Build = Callable[..., nn.Module]


# -- models ----------------------------------------------------------------------------------------


def mlp(
    width: int, act: Build = nn.ReLU, norm: Build | None = None, after: Build | None = None
) -> nn.Module:
    """Two hidden layers, with what stands before and after each activation."""
    layers: list[nn.Module] = []
    for wide in (64, width):
        layers += [nn.Linear(wide, width), *([norm(width)] if norm else []), act()]
        layers += [after()] if after else []
    return nn.Sequential(*layers, nn.Linear(width, 10))


def mlp_with(**parts: Build) -> Build:
    return lambda width: mlp(width, **parts)


class Branch(nn.Module):
    """x + branch(x), with the part by which residual branches are known standing last."""

    def __init__(self, width: int, end: nn.Module) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.drop_path = end

    def forward(self, x: Tensor) -> Tensor:
        return x + self.drop_path(torch.relu(self.linear(x)))


class DropPath(nn.Module):
    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.rate:
            return x
        mask = x.new_empty(x.shape[0], 1).bernoulli_(1 - self.rate)
        return x * mask.div_(1 - self.rate)


def residual(*rates: float | None) -> Build:
    def build(width: int) -> nn.Module:
        ends = [nn.Identity() if rate is None else DropPath(rate) for rate in rates]
        branches = [Branch(width, end) for end in ends]
        return nn.Sequential(nn.Linear(64, width), *branches, nn.Linear(width, 10))

    return build


def images(width: int) -> nn.Module:
    wide = max(2, width // 32)
    return nn.Sequential(
        nn.Conv2d(1, wide, 3, padding=1), nn.ReLU(), nn.Conv2d(wide, wide, 3, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(64 * wide, 10),
    )  # fmt: skip


class Float32Norm(nn.LayerNorm):
    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.float())


def spectral(width: int) -> nn.Module:
    model = mlp(width)
    for layer in list(model):
        if isinstance(layer, nn.Linear):
            parametrizations.spectral_norm(layer)
    return model


def first_frozen(width: int) -> nn.Module:
    model = mlp(width)
    model[0].requires_grad_(False)
    return model


def in_eval_mode(width: int) -> nn.Module:
    return mlp(width).eval()


# -- optimizers ------------------------------------------------------------------------------------


def sgd(model: nn.Module) -> Any:
    held = [p for p in model.parameters() if p.requires_grad]
    return torch.optim.SGD(held, lr=1e-3, momentum=0.9)


def adamw(model: nn.Module) -> Any:
    return torch.optim.AdamW(model.parameters(), lr=1e-4)


def other(name: str, **settings: Any) -> Callable[[nn.Module], Any]:
    return lambda model: getattr(torch.optim, name)(model.parameters(), **settings)


def without_head(model: nn.Module) -> Any:
    return torch.optim.SGD(list(model.parameters())[:-2], lr=1e-3, momentum=0.9)


def decayed(model: nn.Module) -> Any:
    held = list(model.parameters())
    groups = [
        {"params": [p for p in held if p.dim() > 1], "weight_decay": 0.1},
        {"params": [p for p in held if p.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=1e-4)


def layered(model: nn.Module) -> Any:
    held = list(model.parameters())
    groups = [{"params": held[2 * i : 2 * i + 2], "lr": 1e-4 * 0.5 ** (2 - i)} for i in range(3)]
    return torch.optim.AdamW(groups)


def schedule_free(model: nn.Module) -> Any:
    import schedulefree

    optimizer = schedulefree.AdamWScheduleFree(model.parameters(), lr=1e-6)
    optimizer.train()
    return optimizer


# -- forward pass and loss -------------------------------------------------------------------------


def plain(loop: Loop) -> Tensor:
    return functional.cross_entropy(loop.model(loop.x), loop.y)


def loss_with(**settings: Any) -> Act:
    return lambda loop: functional.cross_entropy(loop.model(loop.x), loop.y, **settings)


def of_softmax(loop: Loop) -> Tensor:
    return functional.cross_entropy(torch.softmax(loop.model(loop.x), 1), loop.y)


def of_images(loop: Loop) -> Tensor:
    return functional.cross_entropy(loop.model(loop.x.view(-1, 1, 8, 8)), loop.y)


def quarter(loop: Loop) -> Tensor:
    return plain(loop) / 4


def in_bfloat16(loop: Loop) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        return functional.cross_entropy(loop.model(loop.x), loop.y)


def float32_loss(loop: Loop) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        return functional.cross_entropy(loop.model(loop.x).float(), loop.y)


def broadcasting(loop: Loop) -> Tensor:
    return functional.mse_loss(loop.model(loop.x)[:, :1], loop.x[:, 0])


def matched(loop: Loop) -> Tensor:
    output = loop.model(loop.x)[:, :1]
    return functional.mse_loss(output, loop.x[:, 0].view_as(output))


def normalised(loop: Loop) -> Tensor:
    if "std" not in loop.kept:
        std, mean = torch.std_mean(loop.x, dim=0, correction=0)
        loop.kept.update(std=std.clamp_min(1e-6), mean=mean)
    x = (loop.x - loop.kept["mean"]) / loop.kept["std"]
    return functional.cross_entropy(loop.model(x), loop.y)


def balanced(loop: Loop) -> Tensor:
    output = loop.model(loop.x)
    loop.kept["seen"] = loop.kept.get("seen", 0) + torch.bincount(loop.y, minlength=10)
    counts = loop.kept["seen"].clamp_min(1)
    weight = counts.sum() / (10 * counts)
    return functional.cross_entropy(output, loop.y, weight)


def share(loop: Loop, alpha: float) -> float:
    if "beta" not in loop.kept:
        loop.kept["beta"] = torch.distributions.Beta(alpha, alpha)
    return float(loop.kept["beta"].sample())


def mixed_loss(loop: Loop, x: Tensor, order: Tensor, share: float) -> Tensor:
    own = functional.one_hot(loop.y, 10).float()
    return functional.cross_entropy(loop.model(x), share * own + (1 - share) * own[order])


def mixup(loop: Loop) -> Tensor:
    own, order = share(loop, 0.2), torch.randperm(len(loop.x))
    return mixed_loss(loop, own * loop.x + (1 - own) * loop.x[order], order, own)


def cutmix(loop: Loop) -> Tensor:
    own, order = share(loop, 1.0), torch.randperm(len(loop.x))
    x = loop.x.view(-1, 1, 8, 8).clone()
    half = int(8 * (1 - own) ** 0.5) // 2
    row, column = torch.randint(8, (2,)).tolist()
    top, bottom = max(row - half, 0), min(row + half, 8)
    left, right = max(column - half, 0), min(column + half, 8)
    x[:, :, top:bottom, left:right] = x[order, :, top:bottom, left:right]
    return mixed_loss(loop, x, order, 1 - (bottom - top) * (right - left) / 64)


# -- between backward and step; False holds the step back ------------------------------------------


def rate(factor: Callable[[int], float]) -> Act:
    def before(loop: Loop) -> None:
        for group in loop.optimizer.param_groups:
            group["lr"] = 1e-3 * factor(loop.t)

    return before


def centralise(loop: Loop) -> None:
    for p in loop.parameters:
        if p.dim() > 1:
            p.grad.sub_(p.grad.mean(dim=tuple(range(1, p.dim())), keepdim=True))


def clip_norm(loop: Loop) -> None:
    nn.utils.clip_grad_norm_(loop.parameters, 0.1)


def clip_value(loop: Loop) -> None:
    nn.utils.clip_grad_value_(loop.parameters, 1e-3)


def clip_adaptive(loop: Loop) -> None:
    with torch.no_grad():
        for p in loop.parameters[:-2]:
            over, keep = (1, True) if p.dim() > 1 else (None, False)
            allowed = (
                torch.linalg.vector_norm(p, dim=over, keepdim=keep).clamp_min_(1e-3).mul_(0.01)
            )
            norm = torch.linalg.vector_norm(p.grad, dim=over, keepdim=keep)
            p.grad.mul_(torch.where(norm > allowed, allowed / norm.clamp_min(1e-6), 1.0))


def clip_percentile(loop: Loop) -> None:
    norms = loop.kept.setdefault("norms", torch.zeros(1000))
    norm = nn.utils.get_total_norm([p.grad for p in loop.parameters])
    if torch.isfinite(norm):
        count = loop.kept["count"] = loop.kept.get("count", 0) + 1
        norms[(count - 1) % 1000] = norm
        limit = float(torch.quantile(norms[:count], 0.1))
        nn.utils.clip_grads_with_norm_(loop.parameters, limit, norm)


def skip_non_finite(loop: Loop) -> bool:
    finite = bool(torch.isfinite(nn.utils.get_total_norm([p.grad for p in loop.parameters])))
    if finite and loop.t % 100 == 0:
        weights = [p.detach().clone() for p in loop.parameters]
        loop.kept.update(weights=weights, state=copy.deepcopy(loop.optimizer.state_dict()))
    loop.kept["bad"] = 0 if finite else loop.kept.get("bad", 0) + 1
    return finite


def scaled(loop: Loop) -> Tensor:
    if "scaler" not in loop.kept:
        loop.kept["scaler"] = torch.amp.GradScaler("cpu")
    return loop.kept["scaler"].scale(plain(loop))  # type: ignore[no-any-return]


def through_scaler(loop: Loop) -> bool:
    loop.kept["scaler"].step(loop.optimizer)
    loop.kept["scaler"].update()
    return False


def fourth(loop: Loop) -> bool:
    return loop.t % 4 == 3


# -- after the step --------------------------------------------------------------------------------


def clear_fourth(loop: Loop) -> None:
    if loop.t % 4 == 3:
        loop.optimizer.zero_grad()


def averaged(loop: Loop) -> list[Tensor]:
    if "averages" not in loop.kept:
        loop.kept["averages"] = [p.detach().clone() for p in loop.parameters]
    return loop.kept["averages"]


def ema(loop: Loop) -> None:
    decay = min(0.999, (1 + loop.t) / (10 + loop.t))
    with torch.no_grad():
        torch._foreach_lerp_(averaged(loop), loop.parameters, 1 - decay)


def swa(loop: Loop) -> None:
    with torch.no_grad():
        torch._foreach_lerp_(averaged(loop), loop.parameters, 1 / (loop.t + 1))


def evaluate(loop: Loop) -> float | None:
    if loop.t % 20:
        return None
    with torch.no_grad():
        return plain(loop).item()


def early_stop(loop: Loop) -> None:
    loss, kept = evaluate(loop), loop.kept
    if loss is not None and loss < kept.get("best", math.inf):
        weights = {name: value.clone() for name, value in loop.model.state_dict().items()}
        kept.update(best=loss, waited=0, weights=weights)
    elif loss is not None:
        kept["waited"] += 1


class Loop:
    """A training loop and the places where a hand-written trick stands."""

    def __init__(
        self,
        width: int,
        model: Build = mlp,
        optimizer: Callable[[nn.Module], Any] = sgd,
        loss: Act = plain,
        before: Act | None = None,
        after: Act | None = None,
        clears: bool = True,
    ) -> None:
        torch.manual_seed(0)
        self.model = model(width)
        self.x, self.y = torch.randn(width // 4, 64), torch.randint(0, 10, (width // 4,))
        self.make, self.loss, self.before, self.after = optimizer, loss, before, after
        self.clears, self.t = clears, 0
        self.kept: dict[str, Any] = {}
        self.build()

    def build(self) -> None:
        """Makes the optimizer of the model as it is now."""
        self.parameters = list(self.model.parameters())
        self.optimizer = self.make(self.model)

    def run(self, steps: int) -> None:
        optimizer, loss, before, after = self.optimizer, self.loss, self.before, self.after
        clears = self.clears
        for _ in range(steps):
            if clears:
                optimizer.zero_grad()
            loss(self).backward()
            if before is None or before(self) is not False:
                optimizer.step()
            if after is not None:
                after(self)
            self.t += 1


@dataclass(frozen=True)
class Row:
    """A trick, how a person would write it, and what the script has that needs it."""

    trick: str
    by_hand: dict[str, Any] = field(default_factory=dict)  # parts of Loop
    script: dict[str, Any] = field(default_factory=dict)
    builds: bool = False  # the optimizer is built when the trick is on the model


ADAMW = {"optimizer": adamw}
NORMED = {"model": mlp_with(norm=nn.LayerNorm), "loss": in_bfloat16}

ROWS: tuple[Row, ...] = (
    Row("normalise-input", {"loss": normalised}),
    Row("train-mode", {"model": mlp}, {"model": in_eval_mode}),
    Row("activation=gelu", {"model": mlp_with(act=nn.GELU)}),
    Row("norm=layer", {"model": mlp_with(norm=nn.LayerNorm)},
        {"model": mlp_with(norm=nn.BatchNorm1d)}, builds=True),
    Row("dropout=0.1", {"model": mlp_with(after=lambda: nn.Dropout(0.1))}),
    Row("drop-path=0.2", {"model": residual(0.0, 0.2)}, {"model": residual(None, None)}),
    Row("spectral-norm", {"model": spectral}, builds=True),
    Row("freeze=0", {"model": first_frozen}, builds=True),
    Row("logits", {"loss": plain}, {"loss": of_softmax}),
    Row("match-target-shape", {"loss": matched}, {"loss": broadcasting}),
    Row("ignore-index=3", {"loss": loss_with(ignore_index=3)}),
    Row("balance-classes", {"loss": balanced}),
    Row("mixup=0.2", {"loss": mixup}),
    Row("cutmix=1.0", {"loss": cutmix}, {"model": images, "loss": of_images}),
    Row("label-smoothing=0.1", {"loss": loss_with(label_smoothing=0.1)}),
    Row("add-parameters", {"optimizer": sgd}, {"optimizer": without_head}),
    Row("early-stop=1000000", {"after": early_stop}, {"after": evaluate}),
    Row("amp=bf16", {"loss": in_bfloat16}),
    Row("use-scaler", {"loss": scaled, "before": through_scaler}, {"loss": scaled}),
    Row("float32-islands", {"model": mlp_with(norm=Float32Norm), "loss": float32_loss}, NORMED),
    Row("accumulate=4",
        {"loss": quarter, "before": fourth, "after": clear_fourth, "clears": False}),
    Row("skip-non-finite", {"before": skip_non_finite}),
    Row("centralise-gradients", {"before": centralise}),
    Row("clip-percentile=10", {"before": clip_percentile}),
    Row("clip-adaptive=0.01", {"before": clip_adaptive}),
    Row("clip-norm=0.1", {"before": clip_norm}),
    Row("clip-value=0.001", {"before": clip_value}),
    Row("zero-grad", {"clears": True}, {"clears": False}),
    Row("optimizer=adamw,lr=1e-6", {"optimizer": other("AdamW", lr=1e-6)}),
    Row("optimizer=schedule-free-adamw,lr=1e-6", {"optimizer": schedule_free}),
    Row("betas=0.8", {"optimizer": other("AdamW", lr=1e-4, betas=(0.8, 0.999))}, ADAMW),
    Row("eps=1e-6", {"optimizer": other("AdamW", lr=1e-4, eps=1e-6)}, ADAMW),
    Row("momentum=0.5", {"optimizer": other("SGD", lr=1e-3, momentum=0.5)}),
    Row("scale-lr-with-batch=64", {"before": rate(lambda t: 2.0)}),
    Row("lr=0.0005", {"before": rate(lambda t: 0.5)}),
    Row("schedule=cosine,total=100000",
        {"before": rate(lambda t: (1 + math.cos(math.pi * t / 100_000)) / 2)}),
    Row("warmup=1000", {"before": rate(lambda t: min(1.0, (t + 1) / 1000))}),
    Row("weight-decay=0.1", {"optimizer": decayed}, ADAMW),
    Row("layer-decay=0.5", {"optimizer": layered}, ADAMW),
    Row("ema=0.999", {"after": ema}),
    Row("swa=0", {"after": swa}),
)  # fmt: skip
