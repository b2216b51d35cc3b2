"""`add-parameters` as an edit: the optimizer is built from all of the model's parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from ..tricks.gradients.add_parameters import AddParameters
from .arguments import argument
from .patch import Patch
from .reason import NotMechanicalError
from .script import Caller, Script
from .source import Source
from .variant import Variant, edit


@edit(AddParameters)
def add_parameters(script: Script, trick: AddParameters) -> Iterator[Variant]:
    """Makes `model.body.parameters()` the whole model's; puts another model's beside it.

    An optimizer that was built before the model was complete is built after it.
    """
    built = script.optimizer_built()
    source, call = built.source, built.call
    given = argument(source, call, "params", 0)
    if given is None:
        raise NotMechanicalError("the optimizer is not given its parameters by name")
    own = given.value
    code = source.code(own)
    held = re.fullmatch(r"(?:list\()?([\w.]+)\.parameters\(\)\)?", code)
    owners = [c for c in script.callers("model") if c.source is source]
    for model in owners:
        name = source.code(model.call.func)
        if not source.same_variable(name, model.call, call):
            continue
        if held is not None and held[1].startswith(f"{name}."):
            yield lambda patch, n=name: patch.exchange(source, own, f"{n}.parameters()")  # type: ignore[misc]
        elif held is not None and held[1] != name and isinstance(own, cst.Call):
            both = f"[*{held[1]}.parameters(), *{name}.parameters()]"
            yield lambda patch, b=both: patch.exchange(source, own, b)  # type: ignore[misc]
        elif held is not None and held[1] == name:
            last = _last_change(source, built, name)
            if last is not None:
                yield lambda patch, s=last: _move(patch, built, s)  # type: ignore[misc]
    raise NotMechanicalError("build the optimizer after the model is complete, from all of it")


def _last_change(source: Source, built: Caller, model: str) -> cst.BaseSmallStatement | None:
    """Returns the last `model.head = ...` behind the optimizer in the same block."""
    here = built.statement
    line = source.parent(here)
    block = source.parent(line) if line is not None else None
    lines = list(getattr(block, "body", ()))
    found = None
    for other in lines[lines.index(line) + 1 :] if line in lines else ():
        for part in other.body if isinstance(other, cst.SimpleStatementLine) else ():
            targets = part.targets if isinstance(part, cst.Assign) else ()
            if any(source.code(t.target).startswith(f"{model}.") for t in targets):
                found = part
    return found


def _move(patch: Patch, built: Caller, behind: cst.BaseSmallStatement) -> None:
    source, statement = built.source, built.statement
    _, end = source.span(statement)
    rest = source.text[end:].splitlines()[0] if source.text[end:] else ""  # its comment
    patch.remove(source, statement)
    patch.after(source, behind, source.code(statement) + rest.rstrip())
