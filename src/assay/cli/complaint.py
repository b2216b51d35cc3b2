"""One line on standard error: how every verb says what went wrong."""

from __future__ import annotations

import contextlib
import sys


def complain(text: str) -> None:
    """Prints one line on standard error."""
    with contextlib.suppress(OSError):
        print(f"assay: {' '.join(text.split())}", file=sys.stderr)  # noqa: T201
