"""What an operator of torch does beside returning a result, read from its schema."""

from __future__ import annotations

from typing import Any, NamedTuple

_SPACES = {"aten", "prim", "prims", "torchvision"}
"""Operators whose schemas tell truly what they write into. Others are refused."""

_REFUSED = {"set_", "record_stream", "resize_", "_resize_output_", "resize_as_"}
_STATISTICS = {"running_mean", "running_var"}
"""Written by normalisation, whose schema does not say so."""


class Effects(NamedTuple):
    """What is known of an operator from its schema."""

    refused: str | None
    written: tuple[tuple[int, str], ...]  # position and name of arguments that it writes into
    generator: str | None  # name of the argument that is a random generator


_known: dict[Any, Effects] = {}


def effects_of(function: Any) -> Effects:
    """Returns the effects of an operator; the schema of each is read once."""
    known = _known.get(function)
    if known is None:
        known = _known[function] = _read_schema(function)
    return known


def _read_schema(function: Any) -> Effects:
    schema = getattr(function, "_schema", None)
    if schema is None:
        return Effects("a higher-order operator", (), None)
    space, name = schema.name.split("::")
    refused = None
    if space not in _SPACES or name in _REFUSED:
        refused = f"the operator {schema.name}"
    written = tuple(
        (position, argument.name)
        for position, argument in enumerate(schema.arguments)
        if (argument.alias_info is not None and argument.alias_info.is_write)
        or argument.name in _STATISTICS
    )
    generators = [a.name for a in schema.arguments if "Generator" in str(a.type)]
    return Effects(refused, written, generators[0] if generators else None)
