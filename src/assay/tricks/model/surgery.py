"""Finding and replacing parts of a model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch.nn import Module

ACTIVATIONS = (
    "ReLU",
    "LeakyReLU",
    "ELU",
    "SELU",
    "CELU",
    "GELU",
    "SiLU",
    "Mish",
    "ReLU6",
    "Sigmoid",
    "Tanh",
    "Hardswish",
    "Hardsigmoid",
    "Hardtanh",
    "Softplus",
    "PReLU",
)


def leaves(model: Module) -> Iterator[tuple[Module, str, Module]]:
    """Parent, name in it, and module, for each part without parts of its own, in their order."""
    for parent in model.modules():
        for name, child in parent.named_children():
            if next(child.children(), None) is None:
                yield parent, name, child


def hidden_activations(model: Module, kinds: tuple[str, ...]) -> list[tuple[Module, str, Module]]:
    """Activation modules of these kinds that stand before the last layer with weights."""
    order = [part for part in model.modules() if next(part.children(), None) is None]
    weighted = [i for i, part in enumerate(order) if next(part.parameters(), None) is not None]
    last = weighted[-1] if weighted else -1
    before = {id(part) for part in order[:last]}
    return [
        (parent, name, part)
        for parent, name, part in leaves(model)
        if type(part).__name__ in kinds and id(part) in before
    ]


def replace(parent: Module, name: str, new: Module, like: Module) -> None:
    """Puts a new part where one stood, in its mode and on its device."""
    new.train(like.training)
    setattr(parent, name, new)


def put_back(replaced: list[tuple[Any, str, Any]]) -> None:
    """Takes replacements back, last first."""
    while replaced:
        parent, name, old = replaced.pop()
        setattr(parent, name, old)
