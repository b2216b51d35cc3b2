"""Small trainings of many kinds, which copy what the references need (`references.py`)."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from references import Batch, Call, Step
from torch import Tensor, nn

HERE = Path(__file__)

# -- models ------------------------------------------------------------------------------------


def line_of(text: str) -> str:
    """File and line, as places name them."""
    lines = HERE.read_text(encoding="utf-8").splitlines()
    return f"{HERE.name}:{[line.strip() for line in lines].index(text) + 1}"


class Net(nn.Module):
    """Three layers; `shared` uses the second one's weight once more, `words` looks its input up."""

    sigmoid = f"sigmoid ({line_of('x = torch.sigmoid(self.second(x))')})"

    def __init__(self, middle: nn.Module | None = None, width: int = 6) -> None:
        super().__init__()
        self.first = nn.Linear(4, width)
        self.middle = middle or nn.Identity()
        self.act = nn.ReLU()
        self.second = nn.Linear(width, width)
        self.third = nn.Linear(width, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.middle(self.first(x)))
        x = torch.sigmoid(self.second(x))
        return self.third(x)


class Tied(nn.Module):
    """One weight used by two layers, and one layer used twice."""

    relu = f"relu ({line_of('x = torch.relu(self.first(x)) * 2')})"

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = nn.Linear(4, 6), nn.Linear(6, 6), nn.Linear(6, 6)
        self.third.weight = self.second.weight

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.first(x)) * 2
        return self.third(self.second(self.second(x)))[:, :3]


class Words(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(20, 6, sparse=True)
        self.second, self.third = nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.third(self.second(self.words(x).mean(1)))


class Empty(nn.Module):
    """Has a parameter without elements, and is given tensors without elements, too."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = nn.Linear(4, 6), nn.Linear(6, 3), nn.Linear(6, 3)
        self.nothing = nn.Parameter(torch.zeros(0, 6))

    def forward(self, x: Tensor, nothing: Tensor) -> Tensor:
        x = self.first(torch.cat([x, nothing]))
        return self.third(x) + self.second(x[:0]).sum() + F.linear(x, self.nothing).sum()


# -- how they are trained ----------------------------------------------------------------------


@dataclass
class Criterion:
    """A loss function; `apply` makes the call that is recorded, all on one line."""

    name: str
    apply: Callable[[Tensor, Tensor], Tensor]
    before: Callable[[Tensor], Tensor] = lambda out: out

    @property
    def place(self) -> str:
        return f"{self.name} ({HERE.name}:{self.apply.__code__.co_firstlineno})"


CRITERIA = {
    "cross_entropy": Criterion("cross_entropy", lambda x, y: F.cross_entropy(x, y)),
    "probabilities": Criterion(
        "cross_entropy",
        lambda x, y: F.cross_entropy(x, y),
        lambda out: out.softmax(1),
    ),
    "nll_loss": Criterion(
        "nll_loss",
        lambda x, y: F.nll_loss(x, y),
        lambda out: out.log_softmax(1),
    ),
    "margin": Criterion("multi_margin_loss", lambda x, y: F.multi_margin_loss(x, y)),
    "pixels": Criterion(
        "cross_entropy",
        lambda x, y: F.cross_entropy(x, y),
        lambda out: torch.stack([out, out.flip(0)], 2),
    ),
    "logits": Criterion(
        "binary_cross_entropy_with_logits",
        lambda x, y: F.binary_cross_entropy_with_logits(x, y),
    ),
    "unit": Criterion(
        "binary_cross_entropy_with_logits",
        lambda x, y: F.binary_cross_entropy_with_logits(x, y),
        lambda out: out.sigmoid(),
    ),
    "mse": Criterion("mse_loss", lambda x, y: F.mse_loss(x, y)),
    "l1": Criterion("l1_loss", lambda x, y: F.l1_loss(x, y)),
}

Data = Callable[[torch.Generator], tuple[dict[str, Tensor], Tensor]]


def classes(dice: torch.Generator) -> tuple[dict[str, Tensor], Tensor]:
    """Eight samples of three classes, one of them not counted."""
    target = torch.randint(0, 3, (8,), generator=dice)
    target[5] = -100
    return {"input 0": torch.randn(8, 4, generator=dice) * 2 + 0.5}, target


def all_ignored(dice: torch.Generator) -> tuple[dict[str, Tensor], Tensor]:
    return classes(dice)[0], torch.full((8,), -100)


def pixels(dice: torch.Generator) -> tuple[dict[str, Tensor], Tensor]:
    return classes(dice)[0], torch.randint(0, 3, (8, 2), generator=dice)


def no_class_missing(dice: torch.Generator) -> tuple[dict[str, Tensor], Tensor]:
    return classes(dice)[0], torch.randint(0, 3, (8,), generator=dice)


def numbers(dice: torch.Generator) -> tuple[dict[str, Tensor], Tensor]:
    return classes(dice)[0], torch.randn(8, 3, generator=dice) + 100


def bits(dice: torch.Generator) -> tuple[dict[str, Tensor], Tensor]:
    return classes(dice)[0], torch.randint(0, 2, (8, 3), generator=dice).float()


def words(dice: torch.Generator) -> tuple[dict[str, Tensor], Tensor]:
    found = torch.randint(0, 7, (8, 5), generator=dice)
    return {"input 0": found}, torch.randint(0, 3, (8,), generator=dice)


def with_nothing(dice: torch.Generator) -> tuple[dict[str, Tensor], Tensor]:
    inputs, target = classes(dice)
    return {**inputs, "input 1": torch.zeros(0, 4)}, target


def infinite(dice: torch.Generator) -> tuple[dict[str, Tensor], Tensor]:
    inputs, target = classes(dice)
    x = inputs["input 0"] + 7
    x[0, 0], x[1, 0], x[1, 1], x[2, 0] = math.nan, math.inf, math.inf, -math.inf
    return {"input 0": x}, target


def huge(dice: torch.Generator) -> tuple[dict[str, Tensor], Tensor]:
    inputs, target = numbers(dice)
    return {"input 0": inputs["input 0"] * 1e20}, target


def sgd(model: nn.Module, **settings: Any) -> list[torch.optim.Optimizer]:
    return [torch.optim.SGD(model.parameters(), **{"lr": 0.3, **settings})]


def two(model: nn.Module) -> list[torch.optim.Optimizer]:
    halves = list(model.first.parameters()), [*model.second.parameters(), *model.third.parameters()]
    return [torch.optim.SGD(halves[0], lr=0.1), torch.optim.Adam(halves[1], lr=0.01)]


def two_groups(model: nn.Module) -> list[torch.optim.Optimizer]:
    first = {"params": list(model.first.parameters()), "lr": 0.1}
    rest = [*model.second.parameters(), *model.third.parameters()]
    return [torch.optim.AdamW([first, {"params": rest}], lr=0.01)]


def without_the_third(model: nn.Module) -> list[torch.optim.Optimizer]:
    held = [*model.first.parameters(), *model.second.parameters()]
    return [torch.optim.SGD(held, lr=0.1)]


@dataclass
class Variant:
    """One training: what is trained, on what, and how; `tolerance` is relative."""

    model: Callable[[], nn.Module] = Net
    optimizers: Callable[[nn.Module], list[torch.optim.Optimizer]] = sgd
    criterion: str = "cross_entropy"
    data: Data = classes
    steps: int = 3
    batches: int = 1
    clip: float | None = None
    scaler: Callable[[], torch.amp.GradScaler] | None = None
    unscale: bool = False
    zero_grad: bool = True
    set_to_none: bool = True
    dtype: torch.dtype = torch.float32
    tolerance: float = 1e-5
    by_hand: bool = False
    start: Callable[[nn.Module], Any] = lambda model: None
    lacks: tuple[str, ...] = ()


def scaler(**settings: Any) -> torch.amp.GradScaler:
    return torch.amp.GradScaler("cpu", **{"init_scale": 1024.0, "growth_interval": 2, **settings})


def overflowing() -> torch.amp.GradScaler:
    """Its first step is skipped."""
    return scaler(init_scale=2.0**127, backoff_factor=2.0**-110)


def steep(model: nn.Module) -> None:
    model.second.weight.data *= 10


def dead(model: nn.Module) -> None:
    model.first.bias.data[:2] = -100.0


def twins(model: nn.Module) -> None:
    """Four of the second layer's six units are copies of each other."""
    with torch.no_grad():
        model.second.weight[:4] = 0.1
        model.second.bias[:4] = 0.0
        model.third.weight[:, :4] = model.third.weight[:, :1].clone()


def one_layer_of_1e20(model: nn.Module) -> None:
    model.first.weight.data.mul_(1e20)
    model.second.weight.data.mul_(1e-20)


def of_size(size: float) -> Callable[[nn.Module], None]:
    """Weights of this size that differ."""

    def start(model: nn.Module) -> None:
        for p in model.parameters():
            p.data.mul_(size)

    return start


def modal() -> nn.Module:
    return Net(nn.Sequential(nn.BatchNorm1d(6), nn.Dropout(0.5).eval()))


def poisoned(model: nn.Module) -> None:
    model.second.weight.data[0, :3] = torch.tensor([math.inf, math.nan, -math.inf])


class Linear3(nn.Module):
    """Gradients as large or small as its target: what goes out is what goes in times a weight."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = (nn.Linear(4, 4) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        return self.third(self.second(self.first(x)))[:, :3]


TOO_COARSE = ("actual_change", "step_quality")
"""A loss of three digits hardly shows what a step changed."""

TOO_FAR = ("actual_change", "step_quality")
"""After such a step the model itself overflows."""

VARIANTS: dict[str, Variant] = {
    "plain": Variant(),
    "no class missing": Variant(data=no_class_missing),
    "momentum": Variant(optimizers=lambda m: sgd(m, momentum=0.9), clip=0.05, steps=5),
    "two groups": Variant(optimizers=two_groups),
    "long": Variant(steps=29, start=dead, data=no_class_missing),
    "saturated": Variant(start=steep),
    "double": Variant(dtype=torch.float64),
    "scaled": Variant(scaler=scaler, steps=4),
    "scaled, unscaled before clipping": Variant(scaler=scaler, unscale=True, clip=0.05),
    "scaled, fused": Variant(scaler=scaler, optimizers=lambda m: sgd(m, fused=True)),
    "scaled, a step skipped": Variant(scaler=overflowing, steps=4),
    "bfloat16": Variant(dtype=torch.bfloat16, tolerance=2e-2, lacks=TOO_COARSE),
    "float16": Variant(dtype=torch.float16, tolerance=4e-3),
    "sparse": Variant(Words, data=words),
    "sparse, old gradients zeroed": Variant(Words, data=words, set_to_none=False),
    "shared": Variant(Tied),
    "empty": Variant(Empty, data=with_nothing),
    "infinite data": Variant(data=infinite),
    "infinite weights": Variant(start=poisoned),
    "weights of 1e20": Variant(
        Linear3, start=one_layer_of_1e20, data=numbers, criterion="l1", lacks=TOO_FAR
    ),
    "data of 1e20": Variant(Linear3, data=huge, criterion="l1", lacks=TOO_FAR),
    "weights of 1e-30": Variant(Linear3, start=of_size(1e-30), criterion="l1", data=numbers),
    "accumulated": Variant(batches=3),
    "two optimizers": Variant(optimizers=two),
    "a layer outside": Variant(optimizers=without_the_third),
    "twins": Variant(start=twins, steps=4),
    "modes": Variant(modal),
    "gradients never cleared": Variant(zero_grad=False),
    "gradients cleared to zero": Variant(set_to_none=False),
    "log-probabilities": Variant(criterion="nll_loss"),
    "probabilities": Variant(criterion="probabilities"),
    "margin": Variant(criterion="margin", data=no_class_missing),
    "pixels": Variant(criterion="pixels", data=pixels),
    "logits": Variant(criterion="logits", data=bits),
    "unit": Variant(criterion="unit", data=bits),
    "mse": Variant(criterion="mse", data=numbers),
    "all labels ignored": Variant(data=all_ignored),
    "by hand": Variant(by_hand=True, steps=4),
}


def train(variant: Variant) -> list[Step]:
    """Trains, and copies whatever the references need; tensors are only cloned while watched."""
    torch.manual_seed(0)
    model = variant.model().to(variant.dtype)
    variant.start(model)
    names = {id(p): name for name, p in model.named_parameters()}
    criterion = CRITERIA[variant.criterion]
    optimizers: list[Any] = [None] if variant.by_hand else variant.optimizers(model)
    held = [held_by(optimizer, names) for optimizer in optimizers]
    scaler = variant.scaler() if variant.scaler else None
    dice = torch.Generator().manual_seed(1)
    steps: list[Step] = []
    taken = [0] * len(optimizers)
    known_scale = None
    for _ in range(variant.steps):
        clear(model, optimizers, variant)
        weights, buffers = copies(model.named_parameters()), copies(model.named_buffers())
        left = gradients_of(model)
        batches = []
        for _ in range(variant.batches):
            inputs, target = variant.data(dice)
            inputs = {k: cast(x, variant.dtype) for k, x in inputs.items()}
            target = cast(target, variant.dtype)
            source = criterion.before(model(*inputs.values()))
            loss = criterion.apply(source, target)
            call = Call(criterion.name, criterion.place, source.detach().clone(), target.clone())
            batches.append(Batch(copies(inputs.items()), [call], loss.item()))
            (scaler.scale(loss) if scaler else loss).backward()
        raw = gradients_of(model)
        scale = scaler.get_scale() if scaler else 1.0
        if variant.clip is not None:
            if scaler and variant.unscale:
                scaler.unscale_(optimizers[0])
            nn.utils.clip_grad_norm_(model.parameters(), variant.clip)
        for number, (optimizer, mine) in enumerate(zip(optimizers, held, strict=True)):
            given = only(gradients_of(model), mine)
            take_step(model, optimizer, scaler)
            after = copies(model.named_parameters())
            skipped = scaler is not None and all(torch.equal(after[n], weights[n]) for n in mine)
            known = taken[number] > 0 or variant.by_hand
            step = Step(
                training=number,
                index=taken[number],
                model=model,
                weights=weights,
                buffers=buffers,
                gradients=given,
                after=only(after, mine),
                raw=only(raw, mine),
                batches=batches,
                rates=[g["lr"] for g in optimizer.param_groups] if optimizer else [],
                scale=1.0 if variant.unscale else scale,
                factor=scale,
                stale=only(left, mine) if known else None,
                outside={n: weights[n] for n in raw if not any(n in names for names in held)},
                clip=variant.clip,
                first_of_iteration=number == 0,
                skipped=skipped,
                objective=objective(model, buffers, batches[0], criterion),
                earlier=[s for s in steps if s.training == number],
                settings=optimizer.defaults if optimizer else {},
            )
            steps.append(step)
            taken[number] += not skipped
        if scaler:
            scaler.update()
            if scaler.get_scale() != known_scale:
                known_scale = steps[-1].new_scale = scaler.get_scale()
    return steps


def held_by(optimizer: Any, names: dict[int, str]) -> set[str]:
    """The names of an optimizer's parameters; all of them for steps by hand."""
    if optimizer is None:
        return set(names.values())
    return {names[id(p)] for group in optimizer.param_groups for p in group["params"]}


def clear(model: nn.Module, optimizers: list[Any], variant: Variant) -> None:
    if variant.by_hand:
        model.zero_grad()
    elif variant.zero_grad:
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=variant.set_to_none)


def take_step(model: nn.Module, optimizer: Any, scaler: torch.amp.GradScaler | None) -> None:
    if scaler is not None:
        scaler.step(optimizer)
    elif optimizer is not None:
        optimizer.step()
    else:
        with torch.no_grad():
            for p in model.parameters():
                p -= 0.3 * p.grad
            F.mse_loss(torch.zeros(1), torch.zeros(1))  # a sign of life, by which it is noticed


def cast(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    return tensor.to(dtype) if tensor.is_floating_point() else tensor


def only(tensors: dict[str, Tensor], names: set[str]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in tensors.items() if name in names}


def copies(named: Iterable[tuple[str, Tensor]]) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in named}


def gradients_of(model: nn.Module) -> dict[str, Tensor]:
    return copies((n, p.grad) for n, p in model.named_parameters() if p.grad is not None)


def objective(
    model: nn.Module, buffers: dict[str, Tensor], batch: Batch, criterion: Criterion
) -> Callable[[dict[str, Tensor]], Tensor]:
    """The loss of a batch as a function of the weights, in float64."""

    def evaluate(weights: dict[str, Tensor]) -> Tensor:
        given = {n: cast(t, torch.float64) for n, t in weights.items()}
        given |= {n: cast(b.clone(), torch.float64) for n, b in buffers.items()}
        inputs = tuple(cast(x, torch.float64) for x in batch.inputs.values())
        out = torch.func.functional_call(copy.deepcopy(model).double(), given, inputs)
        return criterion.apply(criterion.before(out), cast(batch.calls[0].target, torch.float64))

    return evaluate
