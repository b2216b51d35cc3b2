"""The user's own line, as it stands in their file."""

from __future__ import annotations

import linecache
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from ..journal.view import Site


def short_path(path: str) -> str:
    """Returns a path relative to the working directory where it lies below it, else as it is."""
    try:
        relative = os.path.relpath(path)
    except (ValueError, OSError):  # another drive, or a working directory that is gone
        return path
    return path if relative.startswith("..") or path.startswith("<") else relative


def excerpt(site: Site, around: int = 1) -> list[tuple[int, str]]:
    """Returns the line and its neighbours, without their common indentation.

    Returns:
        Pairs of line number (from 1) and text; empty if the line can't be read.
    """
    lines = linecache.getlines(site.file)
    if not 1 <= site.line <= len(lines):
        return []
    first = max(site.line - around, 1)
    chosen = [line.rstrip().expandtabs(4) for line in lines[first - 1 : site.line + around]]
    numbered = list(enumerate(chosen, first))
    while numbered and not numbered[-1][1] and numbered[-1][0] > site.line:
        numbered.pop()
    while numbered and not numbered[0][1] and numbered[0][0] < site.line:
        numbered.pop(0)
    indents = [len(text) - len(text.lstrip()) for _, text in numbered if text]
    cut = min(indents, default=0)
    return [(number, text[cut:]) for number, text in numbered]


def changed_since(site: Site, facts: dict[str, Any]) -> bool:
    """Whether the file was written to after the run had started: its lines may have moved."""
    try:
        started = datetime.fromisoformat(facts["started"]).timestamp()
        return Path(site.file).stat().st_mtime > started + 1.0
    except (KeyError, TypeError, ValueError, OSError):
        return False
