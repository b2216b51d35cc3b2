"""Options of ours that stand behind the script, and so went to the script."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from .words import Parser

_READS_ARGUMENTS = re.compile(
    r"\bargv\b|argparse|ArgumentParser|parse_|\bclick\b|typer|\bfire\b|hydra|tyro|absl|getopt|docopt"
)


def right_order(parser: Parser, command: Sequence[str]) -> str | None:
    """Returns how the command line was meant, if an option of ours stands behind the script.

    Args:
        parser: Of the verb.
        command: The script and its arguments, as the parser has split them off.
    """
    place = 2 if command[:1] in (["-m"], ["--"]) else 1
    script, behind = list(command[:place]), list(command[place:])
    ours: list[str] = []
    theirs: list[str] = []
    while behind:
        word = behind.pop(0)
        action = parser.option(word.partition("=")[0]) if word.startswith("--") else None
        if action is None or word == "--":
            theirs.append(word)
            continue
        ours.append(word)
        if "=" not in word and action.nargs != 0 and behind:
            ours.append(behind.pop(0))
    if not ours:
        return None
    return f"{parser.prog} {shlex.join([*ours, *script, *theirs])}"


def reads_no_arguments(command: Sequence[str]) -> bool:
    """Whether the command is a Python file in which nothing reads arguments."""
    script = Path(command[0]) if command else Path()
    if script.suffix != ".py":
        return False
    try:
        text = script.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return _READS_ARGUMENTS.search(text) is None
