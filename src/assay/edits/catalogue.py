"""Which tricks can be written into a script, and how."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from itertools import islice, product
from pathlib import Path
from pkgutil import iter_modules

from ..tricks.base import Trick
from .patch import FileChange, Patch
from .reason import NotMechanicalError
from .script import Script
from .variant import EDITS, Variant

MOST_VARIANTS = 4
"""So many ways of writing an edit are tried; each costs a run."""

for _module in iter_modules([str(Path(__file__).parent)]):
    import_module(f".{_module.name}", __package__)  # each edit enters itself


def changes(script: Script, tricks: Sequence[Trick]) -> Iterator[tuple[FileChange, ...]]:
    """Yields the ways of writing these tricks into the script, the usual one first.

    Raises:
        NotMechanicalError: There is none.
    """
    reason = None
    found: set[tuple[FileChange, ...]] = set()
    ways = [_ways(script, trick) for trick in tricks]
    for chosen in islice(product(*ways), MOST_VARIANTS):
        patch = Patch()
        try:
            for write in chosen:
                write(patch)
            files = patch.files()
        except NotMechanicalError as error:
            reason = reason or error
            continue
        if files and files not in found and all(file.before != file.after for file in files):
            found.add(files)
            yield files
    if not found:
        raise reason or NotMechanicalError("the script does so already")


def _ways(script: Script, trick: Trick) -> list[Variant]:
    write = EDITS.get(type(trick))
    if write is None:
        raise NotMechanicalError(
            trick.by_hand
            or f"{trick.name} is more than a line or two: assay run --with {trick} trains with it"
        )
    ways: list[Variant] = []
    try:
        ways += islice(write(script, trick), MOST_VARIANTS)
    except NotMechanicalError:
        if not ways:
            raise
    return ways
