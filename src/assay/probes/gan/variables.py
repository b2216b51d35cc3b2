"""What a line of the script calls an object: a variable, or an attribute of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import FrameType, ModuleType
from typing import Any


def name_of(thing: object, frame: FrameType) -> str | None:
    """Returns the name of a variable of a frame, or of an attribute of one, that is this object."""
    scopes = frame.f_locals, frame.f_globals
    for scope in (*scopes, *(held for one in scopes for held in _attributes(one))):
        for name, value in list(scope.items()):
            if value is thing:
                return str(name)
    return None


def _attributes(scope: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yields the attributes of the objects in a scope, without asking code of theirs."""
    for value in list(scope.values()):
        if isinstance(value, (ModuleType, type)):
            continue
        try:
            yield object.__getattribute__(value, "__dict__")
        except AttributeError:  # it has slots, or is built in
            continue
