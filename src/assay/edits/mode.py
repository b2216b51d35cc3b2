"""`train-mode` as an edit: `model.train()` where training goes on."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from ..tricks.model.train_mode import TrainMode
from .patch import Patch
from .script import Caller, Script
from .variant import Variant, edit


@edit(TrainMode)
def train_mode(script: Script, trick: TrainMode) -> Iterator[Variant]:
    """Sets it before the loop over batches, at the top of its body, or before the very call."""
    caller, model = script.model()
    line = f"{model}.train()"
    loop = _loop(caller)
    if loop is not None:
        yield lambda patch: patch.before(caller.source, loop, line)
        if isinstance(loop.body, cst.IndentedBlock):
            yield lambda patch: _at_the_top(patch, caller, loop, line)
    yield lambda patch: patch.before(caller.source, caller.statement, line)


def _at_the_top(patch: Patch, caller: Caller, loop: cst.For | cst.While, line: str) -> None:
    first = loop.body.body[0]
    patch.before(
        caller.source, first.body[0] if isinstance(first, cst.SimpleStatementLine) else first, line
    )


def _loop(caller: Caller) -> cst.For | cst.While | None:
    for up in caller.source.above(caller.call):
        if isinstance(up, (cst.For, cst.While)):
            return up
        if isinstance(up, (cst.FunctionDef, cst.Lambda)):
            break
    return None
