"""Asks something of a script of the user's, which is run under assay until it is answered."""

from __future__ import annotations

import json
import shlex
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..launch.command import resolve
from ..launch.environment import child_environment
from ..launch.errors import LaunchError
from ..launch.folder import RunFolder, create


def ask_script(
    words: Sequence[str], python: str | None, said: str, folder: str, asked: dict[str, Any]
) -> dict[str, Any]:
    """Returns what is learned of a script's model.

    Args:
        words: The command.
        python: The interpreter; None for the default.
        said: The option that named the script.
        folder: Where the run's files may lie.
        asked: As in `merging.inside.Inside`, without `answer`.

    Raises:
        LaunchError: The script called no such model, or it failed before.
    """
    what = resolve(words, python)
    run = create(explicit=Path(tempfile.mkdtemp(prefix="run-", dir=folder)))
    answer = run.path / "answer.json"
    run.begin(what.argv, {"merge": {**asked, "answer": str(answer)}}, what.python)
    code, text = run_quietly(what.argv, child_environment(run.path), run)
    if code:
        last = ([line for line in text.splitlines() if line.strip()] or [""])[-1]
        raise LaunchError(f"{said} {shlex.join(words)} ended with status {code}: {last}", 1)
    if answer.exists():
        found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        if "error" in found:
            raise LaunchError(f"{said} {shlex.join(words)}: it {found['error']}", 1)
        return found
    raise LaunchError(
        f"{said} {shlex.join(words)} called no model with the tensors of the checkpoints", 1
    )


def run_quietly(
    argv: Sequence[str], env: Mapping[str, str], folder: RunFolder
) -> tuple[int | None, str]:
    """Runs a command and keeps what it says to itself.

    Args:
        argv: The command.
        env: Its whole environment.
        folder: Of the run.

    Returns:
        Its status, and what it said on standard error.
    """
    done = subprocess.run(
        argv, env=env, capture_output=True, text=True, errors="replace", check=False
    )
    return done.returncode, done.stderr
