"""Acting observers at the seams: one classic training trick a file, usable in two ways.

On an unmodified script by `--with clip-norm=1.0`, and from Python:

    from assay.tricks import ClipNorm
    handle = ClipNorm(limit=1.0).attach(model, optimizer)
    ...
    handle.detach()

Classes are loaded when they are asked for, since a training that uses none must start fast; what
editors and type checkers know of them stands in `__init__.pyi`. Files here import torch inside
functions only, since the parent process reads names, values and pages from them.
"""

from __future__ import annotations

from typing import Any

from .base import Option, Suggestion, Trick, TrickError, option, value

__all__ = ["Option", "Suggestion", "Trick", "TrickError", "option", "value"]


def __getattr__(name: str) -> Any:
    """Looks a trick's class up by its name: `tricks.ClipNorm`."""
    from .catalogue import TRICKS

    for trick in TRICKS:
        if trick.__name__ == name:
            return trick
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Lists the names that are there and every trick's class, for completion."""
    from .catalogue import TRICKS

    return sorted({*globals(), *(trick.__name__ for trick in TRICKS)})
