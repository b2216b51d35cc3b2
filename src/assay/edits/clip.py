"""`clip-norm` and `clip-value` as an edit: torch's own function, called before the step."""

from __future__ import annotations

from collections.abc import Iterator

from ..journal.events import CLIP
from ..tricks.gradients.clip_norm import ClipNorm
from ..tricks.gradients.clip_value import ClipValue
from .arguments import number
from .imports import spelled
from .patch import Patch
from .reason import NotMechanicalError
from .script import Script, Step
from .variant import Variant, edit

_FUNCTION = {
    "clip-norm": "torch.nn.utils.clip_grad_norm_",
    "clip-value": "torch.nn.utils.clip_grad_value_",
}


@edit(ClipNorm, ClipValue)
def clip(script: Script, trick: ClipNorm | ClipValue) -> Iterator[Variant]:
    """Clips before every step of the one optimizer; under a GradScaler after unscaling."""
    if any(True for _ in script.view.events(CLIP)):
        raise NotMechanicalError(f"the script clips already: {trick} comes on top of that")
    if any(event.data.get("closure") for event in script.events("step")):
        raise NotMechanicalError("gradients are made in a closure: clip at its end, after backward")
    steps = script.steps_taken()
    yield lambda patch: _write(patch, script, trick, steps)


def _write(patch: Patch, script: Script, trick: ClipNorm | ClipValue, steps: list[Step]) -> None:
    for step in steps:
        source = step.caller.source
        lines = []
        if step.scaler is not None and f"{step.scaler}.unscale_(" not in source.text:
            lines.append(f"{step.scaler}.unscale_({step.optimizer})")
        function = spelled(patch, source, _FUNCTION[trick.name])
        limit = number(trick.limit)
        lines.append(f"{function}({_parameters(script, step)}, {limit})")
        patch.before(source, step.caller.statement, *lines)


def _parameters(script: Script, step: Step) -> str:
    """Names what the optimizer holds: as the model's, where that is the same, or its groups'."""
    trained = [p for p in script.view.parameters if p.trainable]
    if trained and all(p.group is not None for p in trained):
        try:
            _, model = script.model(near=step.caller)
            return f"{model}.parameters()"
        except NotMechanicalError:
            pass
    return f'[p for group in {step.optimizer}.param_groups for p in group["params"]]'
