"""`use-scaler` as an edit: the step goes through the scaler, clipping comes after `unscale_`."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from ..tricks.precision.use_scaler import UseScaler
from .patch import Patch
from .reason import NotMechanicalError
from .script import Script, Step
from .source import Source
from .variant import Variant, edit

CLIPPING = ("clip_grad_norm_", "clip_grad_value_")


@edit(UseScaler)
def use_scaler(script: Script, trick: UseScaler) -> Iterator[Variant]:
    """Steps by `scaler.step(optimizer)` and updates after it; unscales before what clips."""
    steps = script.steps_taken()
    if any(step.caller.facts.get("closure") for step in steps):
        raise NotMechanicalError("gradients are made in a closure: a GradScaler takes none")
    yield lambda patch: _write(patch, steps)


def _write(patch: Patch, steps: list[Step]) -> None:
    for step in steps:
        _step(patch, step)


def _step(patch: Patch, step: Step) -> None:
    source, statement = step.caller.source, step.caller.statement
    scaler = step.scaler or _scaler(source)
    if step.scaler is None:
        patch.exchange(source, step.caller.call, f"{scaler}.step({step.optimizer})")
        if f"{scaler}.update(" not in source.text:
            patch.after(source, statement, f"{scaler}.update()")
    if f"{scaler}.unscale_(" in source.text:
        return
    for call in source.all(cst.Call):
        if source.called(call) in CLIPPING:
            clipping = source.statement(call)
            patch.before(source, clipping, f"{scaler}.unscale_({step.optimizer})")


def _scaler(source: Source) -> str:
    """Names the one scaler that scales a loss in this file.

    Raises:
        NotMechanicalError: None does, or several.
    """
    names = {
        source.code(call.func.value)
        for call in source.all(cst.Call)
        if source.called(call) == "scale" and isinstance(call.func, cst.Attribute)
    }
    if len(names) != 1:
        raise NotMechanicalError("the line that scales the loss does not tell the scaler's name")
    return names.pop()
