"""How large weights begin, and how far outputs spread at the first step, layer by layer."""

from __future__ import annotations

import math
from typing import NamedTuple

from ..journal.events import WEIGHTS_DRAWN
from ..journal.view import RunView, Site, Training

LOOKED_UP = ("Embedding", "EmbeddingBag")
"""Modules that look rows of their weight up: what they give out is as large as these."""


class Layer(NamedTuple):
    """A weight as it was at the first sample: what it does to the size of what it is given.

    Attributes:
        name: Of the weight.
        module: Whose weight it is.
        size: Root mean square of the weight.
        gain: `size` times the root of its inputs: the output's size for inputs of size 1.
        spread: Standard deviation of what the module gave out.
    """

    name: str
    module: str
    size: float
    gain: float
    spread: float


def each_layer(layers: list[Layer], last: Layer) -> float:
    """Returns the factor of each layer, on average, from the first spread to a later one."""
    return float((last.spread / layers[0].spread) ** (1 / max(layers.index(last), 1)))


def first_layers(run: RunView, training: Training) -> list[Layer]:
    """Returns the layers with weights whose output was measured at the first step, in order."""
    found = []
    for parameter in run.parameters:
        name, shape = parameter.name, parameter.shape
        module = run.module(parameter.module)
        norms = training.series("weight_norm", name)
        spreads = training.series("activation_std", parameter.module)
        if (
            module is None
            or module.kind in LOOKED_UP
            or len(shape) < 2
            or not len(norms)
            or not len(spreads)
            or max(norms.steps[0], spreads.steps[0]) > 0
        ):
            continue
        size = norms.first / math.sqrt(max(math.prod(shape), 1))
        gain = size * math.sqrt(math.prod(shape[1:]))
        if 0 < gain < math.inf and 0 < spreads.first < math.inf:
            found.append(Layer(name, parameter.module, size, gain, spreads.first))
    return found


def drawn_at(run: RunView, wrong: list[Layer]) -> Site | None:
    """Returns the line that drew the weights: the only one, or the only one of that spread."""
    lines = run.events(WEIGHTS_DRAWN)
    sizes = [layer.size for layer in wrong]
    fitting = [
        line
        for line in lines
        if line.data["spread"] is not None
        and any(math.isclose(line.data["spread"], size, rel_tol=0.1) for size in sizes)
    ]
    unknown = [line for line in lines if line.data["spread"] is None]
    likely = fitting or unknown
    return Site.read(likely[0].data["line"]) if len(likely) == 1 else None
