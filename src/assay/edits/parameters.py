"""`add-parameters` as an edit: the optimizer is built from all of the model's parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from ..tricks.base import Trick
from .arguments import argument
from .reason import NotMechanicalError
from .script import Script
from .variant import Variant


def add_parameters(script: Script, trick: Trick) -> Iterator[Variant]:
    """`model.body.parameters()` becomes `model.parameters()`; another model's are put beside it."""
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
    raise NotMechanicalError("build the optimizer after the model is complete, from all of it")
