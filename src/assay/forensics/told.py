"""What is written down of a birth: the data of the event `nonfinite_traced`."""

from __future__ import annotations

from typing import Any

import torch

from ..watching.names import Names
from .calls import Birth, Place


def told(birth: Birth, names: Names, batch: int | None) -> dict[str, Any]:
    """Returns the data of the event, but for what was looked at.

    Args:
        birth: What was found.
        names: Knows modules and parameters.
        batch: How many samples a batch has, where known.
    """
    place, facts = birth.place, birth.facts
    module = None if place.module is None else place.module()
    then = birth.then
    return {
        "op": birth.op,
        "phase": place.phase if birth.op else "given",
        "node": place.node,
        "line": _row(place.line),
        "module": _owner(facts, place) if module is None else names.module(module),
        "given": _given(birth, names),
        "kind": facts.get("kind", []),
        "dtype": facts.get("dtype"),
        "shape": facts.get("shape", []),
        "share": facts.get("share", 0.0),
        "operands": facts.get("operands", []),
        "row": facts.get("row"),
        "rows": facts.get("rows", []),
        "bad_rows": facts.get("bad_rows", 0),
        "batch": batch,
        "forward": place.forward,
        "meant": birth.meant,
        "then": None if then is None else [then[0], _row(then[1].line), then[1].phase],
    }


def _row(line: tuple[str, int, str] | None) -> list[Any] | None:
    return None if line is None else list(line)


def _owner(facts: dict[str, Any], place: Place) -> str | None:
    """Returns the module whose weight an operation takes, where no call of a module was seen."""
    operands = (place.forward or facts).get("operands", ())
    weight = next((each["weight"] for each in operands if each.get("weight")), None)
    return None if weight is None else str(weight).rpartition(".")[0] or None


def _given(birth: Birth, names: Names) -> str | None:
    """Returns what the tensor is that was not finite before anything was computed from it."""
    tensor = birth.tensor
    if tensor is None:
        return None
    if isinstance(tensor, torch.nn.Parameter):
        return names.parameter(tensor) or "a parameter"
    for root in names.roots:
        for name, buffer in root.named_buffers():
            if buffer.untyped_storage().data_ptr() == tensor.untyped_storage().data_ptr():
                return f"{names.prefix(root)}{name}"
    return "data"
