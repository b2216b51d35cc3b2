"""Prepares a run that sees some of the user's files with another content; the files stay."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from .environment import BOOT
from .errors import LaunchError

RUNNER = BOOT / "patched.py"
"""Stands before the script in the command: see there."""


def lay(run: Path, argv: Sequence[str], contents: Mapping[Path, bytes]) -> list[str]:
    """Writes the contents into the run folder, where the child looks for them.

    Args:
        run: The run folder.
        argv: What is to be started.
        contents: By the path of the file that they stand for.

    Returns:
        The argument vector with which they count.

    Raises:
        LaunchError: The folder can't be written.
    """
    copies: dict[str, str] = {}
    try:
        folder = run / "patched"
        folder.mkdir(exist_ok=True)
        for number, (path, content) in enumerate(contents.items()):
            copy = folder / f"{number}-{path.name}"
            copy.write_bytes(content)
            copies[str(path.resolve())] = str(copy.absolute())
        (run / "patched.json").write_text(json.dumps(copies), encoding="utf-8")
    except OSError as error:
        raise LaunchError(f"can't write {run}: {error.strerror}") from None
    words = list(argv)
    for place, word in enumerate(words):
        if word == "-m":
            break  # a module is loaded, not run as a file
        if place and word.endswith(".py") and str(Path(word).resolve()) in copies:
            words.insert(place, str(RUNNER))
            break
    return words
