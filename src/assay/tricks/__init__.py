"""Acting observers at the seams: one classic training trick a file, usable in two ways.

On an unmodified script by `--with clip-norm=1.0`, and from Python:

    from assay import tricks
    handle = tricks.ClipNorm(1.0).attach(model, optimizer)
    ...
    handle.detach()

Files here import torch inside functions only, since the parent process reads names, values and
pages from them.
"""

from __future__ import annotations

from typing import Any

from .base import Option, Trick, TrickError


def __getattr__(name: str) -> Any:
    """Looks a trick's class up by its name: `tricks.ClipNorm`."""
    from .catalogue import TRICKS

    for trick in TRICKS:
        if trick.__name__ == name:
            return trick
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ["Option", "Trick", "TrickError"]
