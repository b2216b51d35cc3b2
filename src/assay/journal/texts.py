"""The text of the user's own files as a run loaded them, kept beside its record."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

NAME = "sources.json"
CHARACTERS_AT_MOST = 1 << 20
"""Of all files of a run together; what does not fit is left out, the hash of it is kept."""


def keep_texts(folder: Path, paths: Iterable[str]) -> None:
    """Writes the text of these files into a run folder.

    Raises:
        OSError: The folder can't be written.
    """
    kept, room = {}, CHARACTERS_AT_MOST
    for path in paths:
        with suppress(OSError, ValueError):
            text = Path(path).read_text(encoding="utf-8")
            if len(text) <= room:
                room -= len(text)
                kept[path] = text
    (folder / NAME).write_text(json.dumps(kept), encoding="utf-8")


def read_texts(folder: Path) -> dict[str, str]:
    """Returns the text of each file that was kept, by its path; none of an older run."""
    with suppress(OSError, ValueError):
        kept = json.loads((folder / NAME).read_text(encoding="utf-8"))
        if isinstance(kept, dict):
            return {str(path): str(text) for path, text in kept.items()}
    return {}
