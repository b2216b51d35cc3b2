"""`zero-grad` as an edit: `optimizer.zero_grad()` before the backward pass, or after the step."""

from __future__ import annotations

from collections.abc import Iterator

from ..tricks.gradients.zero_grad import ZeroGrad
from .patch import Patch
from .script import Caller, Script, Step
from .variant import Variant, edit


@edit(ZeroGrad)
def zero_grad(script: Script, trick: ZeroGrad) -> Iterator[Variant]:
    """Clears where it is usually written; behind the step, as the trick does, if that differs."""
    steps = script.steps_taken()
    if all(step.caller.facts.get("closure") for step in steps):
        yield lambda patch: _in_closure(patch, script, steps[0])
        return
    together = _together(script, steps)
    if together:
        yield lambda patch: _before(patch, together)
    yield lambda patch: _after(patch, steps)


def _before(patch: Patch, pairs: list[tuple[Step, Caller]]) -> None:
    for step, backward in pairs:
        source = backward.source
        patch.before(source, backward.statement, f"{step.optimizer}.zero_grad()")


def _after(patch: Patch, steps: list[Step]) -> None:
    for step in steps:
        source = step.caller.source
        patch.after(source, step.caller.statement, f"{step.optimizer}.zero_grad()")


def _in_closure(patch: Patch, script: Script, step: Step) -> None:
    for backward in script.callers("backward", "backward"):
        patch.before(backward.source, backward.statement, f"{step.optimizer}.zero_grad()")


def _together(script: Script, steps: list[Step]) -> list[tuple[Step, Caller]]:
    """Pairs each step with the one backward pass that stands before it in the same block."""
    backwards = script.callers("backward", "backward")
    pairs = []
    for step in steps:
        source, block = step.caller.source, _block(step.caller)
        before = [
            b
            for b in backwards
            if b.source is source
            and _block(b) is block
            and source.span(b.call) < source.span(step.caller.call)
        ]
        if len(before) == 1:
            pairs.append((step, before[0]))
    return pairs if len(pairs) == len(steps) == len(backwards) else []


def _block(caller: Caller) -> object:
    line = caller.source.parent(caller.statement)
    return None if line is None else caller.source.parent(line)
