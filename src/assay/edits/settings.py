"""Settings of the optimizer as an edit: `lr`, `betas`, `eps`, `momentum`, `weight-decay`."""

from __future__ import annotations

from collections.abc import Iterator

from ..journal.view import Training
from ..tricks.optimizer.betas import Betas
from ..tricks.optimizer.eps import Eps
from ..tricks.optimizer.momentum import Momentum
from ..tricks.optimizer.weight_decay import WeightDecay
from ..tricks.rate.lr import Lr
from .arguments import number, rounded, set_value
from .patch import Patch
from .reason import NotMechanicalError
from .script import Script
from .variant import Variant, edit

_ADAM = ("params", "lr", "betas", "eps", "weight_decay")
_POSITIONS = {
    "SGD": ("params", "lr", "momentum", "dampening", "weight_decay"),
    "RMSprop": ("params", "lr", "alpha", "eps", "weight_decay", "momentum"),
    "Adagrad": ("params", "lr", "lr_decay", "weight_decay"),
    **dict.fromkeys(("Adam", "AdamW", "NAdam", "RAdam", "Adamax"), _ADAM),
}
"""Where torch's optimizers take them, in the signatures of torch 2."""


@edit(Lr)
def lr(script: Script, trick: Lr) -> Iterator[Variant]:
    """Writes the rate into the constructor, rounded; to the last bit if the run needs it."""
    text = str(trick.rate)

    def new(old: object) -> float:
        assert isinstance(old, (int, float))
        return float(old) * float(text[1:]) if text.startswith("x") else float(text)

    training = _training(script)
    _same_for_all_groups(training)
    yield lambda patch: _set(patch, script, "lr", lambda old: number(rounded(new(old))))
    own = training.groups[0].settings.get("lr") if training.groups else None
    if isinstance(own, (int, float)) and new(own) != rounded(new(own)):
        yield lambda patch: _set(patch, script, "lr", lambda old: number(new(old)))


@edit(Eps)
def eps(script: Script, trick: Eps) -> Iterator[Variant]:
    """Writes the number that keeps it from dividing by zero."""
    yield lambda patch: _set(patch, script, "eps", lambda old: number(trick.eps))


@edit(Betas)
def betas(script: Script, trick: Betas) -> Iterator[Variant]:
    """Writes both numbers; one that was not given stays."""

    def new(old: object) -> str:
        first, second = old if isinstance(old, (tuple, list)) else (0.9, 0.999)
        first = first if trick.beta1 is None else trick.beta1
        second = second if trick.beta2 is None else trick.beta2
        return f"({number(float(first))}, {number(float(second))})"

    yield lambda patch: _set(patch, script, "betas", new)


@edit(Momentum)
def momentum(script: Script, trick: Momentum) -> Iterator[Variant]:
    """Writes `momentum`, or the first of the betas."""
    value = float(trick.momentum)

    def first_of(old: object) -> str:
        _, second = old if isinstance(old, (tuple, list)) else (0.9, 0.999)
        return f"({number(value)}, {number(float(second))})"

    groups = _training(script).groups
    if groups and "betas" in groups[0].settings:
        yield lambda patch: _set(patch, script, "betas", first_of)
    else:
        yield lambda patch: _set(patch, script, "momentum", lambda old: number(value))


@edit(WeightDecay)
def weight_decay(script: Script, trick: WeightDecay) -> Iterator[Variant]:
    """Writes the keyword, where everything is to decay in the optimizer's own way."""
    cls = _training(script).optimizer
    own = "decoupled" if cls == "AdamW" else "l2"
    if trick.exempt or trick.kind != own:
        raise NotMechanicalError(
            f"it takes two groups of parameters: weights with weight_decay={trick.decay:g} "
            "(in AdamW), biases and norms with 0"
        )
    decay = number(float(trick.decay))
    yield lambda patch: _set(patch, script, "weight_decay", lambda old: decay)


def _set(patch: Patch, script: Script, keyword: str, value: object) -> None:
    assert callable(value)
    training, caller = _training(script), script.optimizer_built()
    places = _POSITIONS.get(training.optimizer, ("params", "lr"))
    set_value(
        patch,
        script,
        caller,
        keyword,
        value,
        position=places.index(keyword) if keyword in places else None,
        default=training.groups[0].settings.get(keyword) if training.groups else None,
    )


def _training(script: Script) -> Training:
    stepped = [training for training in script.view.trainings if training.steps]
    if len({training.rank for training in stepped}) < len(stepped) or not stepped:
        raise NotMechanicalError("several optimizers step: only you know which one is meant")
    return stepped[0]


def _same_for_all_groups(training: Training) -> None:
    if len({group.settings.get("lr") for group in training.groups}) > 1:
        raise NotMechanicalError("each parameter group has a rate of its own: change all of them")
