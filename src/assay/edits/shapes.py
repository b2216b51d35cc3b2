"""`match-target-shape` as an edit: the target is given the shape of the predictions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import libcst as cst

from ..tricks.data.match_target_shape import ELEMENTWISE, MatchTargetShape
from .arguments import argument
from .patch import Patch
from .reason import NotMechanicalError
from .script import Caller, Script
from .variant import Variant, edit

_SIMPLE = (cst.Name, cst.Attribute, cst.Call, cst.Subscript)


@edit(MatchTargetShape)
def match_target_shape(script: Script, trick: MatchTargetShape) -> Iterator[Variant]:
    """Changes each line where a loss was given two shapes, evaluations too."""
    of = [*script.events("loss"), *script.events("evaluation_loss")]
    kinds = {event.data["of"] for event in of if _differs(event.data)}
    callers = [c for kind in sorted(kinds) for c in script.callers(kind) if _differs(c.facts)]
    if not callers:
        raise NotMechanicalError("no line of yours was seen to give a loss two shapes")

    def write(patch: Patch) -> None:
        for caller in callers:
            _write(patch, caller)

    yield write


def _differs(facts: Mapping[str, Any]) -> bool:
    given, wanted = facts.get("target"), facts.get("input")
    return facts.get("fn") in ELEMENTWISE and None not in (given, wanted) and given != wanted


def _write(patch: Patch, caller: Caller) -> None:
    source, call = caller.source, caller.call
    target = argument(source, call, "target", 1)
    first = argument(source, call, "input", 0)
    if target is None or first is None:
        raise NotMechanicalError(f"{source.line(call)} does not name its target")
    wanted, given = caller.facts["input"], caller.facts["target"]
    code = source.code(target.value)
    if not isinstance(target.value, _SIMPLE) and not target.value.lpar:
        code = f"({code})"
    if wanted == [*given, 1]:
        shape = f"unsqueeze({len(given) if len(given) == 1 else -1})"
    elif given == [*wanted, 1]:
        shape = f"squeeze({len(wanted) if len(wanted) == 1 else -1})"
    elif isinstance(first.value, cst.Name):
        shape = f"view_as({first.value.value})"
    else:
        raise NotMechanicalError(f"give the target the shape of the predictions: {wanted}")
    patch.exchange(source, target.value, f"{code}.{shape}")
