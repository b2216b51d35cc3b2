"""What an edit gives: one or more ways of writing it, the usual one first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from ..tricks.base import Trick
from .patch import Patch
from .script import Script

Variant = Callable[[Patch], None]
"""Writes the change into a patch; NotMechanicalError if it does not fit the script after all."""

Edit = Callable[[Script, Any], Iterator[Variant]]
"""The ways in which a trick can be written into a script; NotMechanicalError if there is none."""

EDITS: dict[type[Trick], Edit] = {}
"""The edit of each trick that has one; `edit` enters it."""

Function = TypeVar("Function", bound=Edit)


def edit(*tricks: type[Trick]) -> Callable[[Function], Function]:
    """Enters the decorated function as the edit of these tricks."""

    def enter(function: Function) -> Function:
        for trick in tricks:
            assert trick not in EDITS, f"two edits of {trick.name}"
            EDITS[trick] = function
        return function

    return enter
