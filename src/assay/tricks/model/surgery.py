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


def leaves(model: Module, seen: set[int] | None = None) -> Iterator[tuple[Module, str, Module]]:
    """Yields parent, name in it, and module, of each place of a part without parts, in order.

    A part that stands in several places is met in each; a shared parent is met once.
    """
    seen = set() if seen is None else seen
    seen.add(id(model))
    for name, child in model._modules.items():
        if child is not None and next(child.children(), None) is None:
            yield model, name, child
        elif child is not None and id(child) not in seen:
            yield from leaves(child, seen)


def hidden_activations(model: Module, kinds: tuple[str, ...]) -> list[tuple[Module, str, Module]]:
    """Places of activation modules of these kinds before the last layer with weights."""
    places = list(leaves(model))
    weighted = [
        i for i, (*_, part) in enumerate(places) if next(part.parameters(), None) is not None
    ]
    before = places[: weighted[-1]] if weighted else []
    return [place for place in before if type(place[2]).__name__ in kinds]


def replace(parent: Module, name: str, new: Module, like: Module) -> None:
    """Puts a new part where one stood, in its mode and on its device."""
    new.train(like.training)
    setattr(parent, name, new)


def put_back(replaced: list[tuple[Any, str, Any]]) -> None:
    """Takes replacements back, last first."""
    while replaced:
        parent, name, old = replaced.pop()
        setattr(parent, name, old)
