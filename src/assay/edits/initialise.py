"""`init` as an edit: a loop over the model's layers before the optimizer is built."""

from __future__ import annotations

from collections.abc import Iterator

from ..tricks.model.init import Init
from .imports import spelled
from .patch import Patch
from .reason import NotMechanicalError
from .script import Script
from .variant import Variant, edit

_RULES = {
    ("he", "normal"): ("kaiming_normal_", ', nonlinearity="relu"'),
    ("he", "uniform"): ("kaiming_uniform_", ', nonlinearity="relu"'),
    ("lecun", "normal"): ("kaiming_normal_", ', nonlinearity="linear"'),
    ("lecun", "uniform"): ("kaiming_uniform_", ', nonlinearity="linear"'),
    ("xavier", "normal"): ("xavier_normal_", ""),
    ("xavier", "uniform"): ("xavier_uniform_", ""),
    ("orthogonal", "normal"): ("orthogonal_", ""),
}
"""Functions of torch.nn.init that draw the same numbers."""
_LAYERS = ("Linear", "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d",
           "ConvTranspose3d", "Bilinear")  # fmt: skip


@edit(Init)
def initialise(script: Script, trick: Init) -> Iterator[Variant]:
    """Initialises with torch's own function, biases at 0."""
    rule = _RULES.get((trick.rule, trick.distribution))
    kinds = {module.kind for module in script.view.modules}
    layers = [kind for kind in _LAYERS if kind in kinds]
    if rule is None or float(trick.gain) != 1.0 or not layers:
        raise NotMechanicalError(f"{trick} is more than a call of torch.nn.init")
    yield lambda patch: _write(patch, script, layers, *rule)


def _write(patch: Patch, script: Script, layers: list[str], function: str, also: str) -> None:
    built = script.optimizer_built()
    source = built.source
    _, model = script.model(near=built)
    classes = [spelled(patch, source, f"torch.nn.{kind}") for kind in layers]
    which = classes[0] if len(classes) == 1 else f"({', '.join(classes)})"
    init = spelled(patch, source, "torch.nn.init")
    patch.before(
        source,
        built.statement,
        f"for layer in {model}.modules():",
        f"    if isinstance(layer, {which}):",
        f"        {init}.{function}(layer.weight{also})",
        "        if layer.bias is not None:",
        f"            {init}.zeros_(layer.bias)",
    )
