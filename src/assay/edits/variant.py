"""What an edit gives: one or more ways of writing it, the usual one first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..tricks.base import Trick
from .patch import Patch
from .script import Script

Variant = Callable[[Patch], None]
"""Writes the change into a patch; NotMechanicalError if it does not fit the script after all."""

Edit = Callable[[Script, Trick], Iterator[Variant]]
"""The ways in which a trick can be written into a script; NotMechanicalError if there is none."""
