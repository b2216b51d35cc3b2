"""Measures a checkpoint by a script of the user's: the last number that it prints."""

from __future__ import annotations

import math
import re
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from ..launch.command import resolve
from ..launch.errors import LaunchError

NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|\b(?:nan|inf)\b")
PLACE = "{}"
"""Where in the command the checkpoint's path goes; at its end if it is nowhere."""


@dataclass(frozen=True)
class Evaluation:
    """A command that is given a checkpoint and prints how good it is.

    Attributes:
        words: The command.
        pattern: With one group, the number; the last number of all if None.
        maximise: Whether more is better.
        python: The interpreter; None for the default.
    """

    words: tuple[str, ...]
    pattern: re.Pattern[str] | None = None
    maximise: bool = False
    python: str | None = None

    @classmethod
    def read(
        cls, text: str, said: str, metric: str | None, python: str | None, *, maximise: bool
    ) -> Evaluation:
        """Reads `SCRIPT ARGS`, and `re:PATTERN` if it is given.

        Raises:
            LaunchError: There is no such script, or the pattern is none.
        """
        words = read_command(text, said, python)
        pattern = None
        if metric is not None:
            try:
                pattern = re.compile(metric.removeprefix("re:"), re.MULTILINE)
            except re.error as error:
                raise LaunchError(f"--metric {metric}: no regular expression: {error}") from None
            if pattern.groups != 1 or not metric.startswith("re:"):
                raise LaunchError(
                    f"--metric {metric}: expected re: and one group, the number: re:loss ([0-9.]+)"
                )
        return cls(words, pattern, maximise, python)

    def of(self, path: str) -> float:
        """Returns the metric of a checkpoint, lower is better; inf for one that is not finite.

        Raises:
            LaunchError: The script fails or prints no number.
        """
        words = placed(self.words, path)
        if words == list(self.words):
            words.append(path)
        argv = resolve(words, self.python).argv
        done = subprocess.run(argv, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode:
            last = ([line for line in done.stderr.splitlines() if line.strip()] or [""])[-1]
            raise LaunchError(
                f"{shlex.join(words)} ended with status {done.returncode}: {last}".rstrip(": "), 1
            )
        found = (self.pattern or NUMBER).findall(done.stdout)
        try:
            value = float(found[-1])
        except (IndexError, ValueError):
            what = f"nothing that matches {self.pattern.pattern}" if self.pattern else "no number"
            raise LaunchError(f"{shlex.join(words)} printed {what}", 1) from None
        if not math.isfinite(value):
            return math.inf
        return -value if self.maximise else value

    def shown(self, value: float) -> float:
        """Returns a metric as the script printed it."""
        return -value if self.maximise else value


def placed(words: Sequence[str], path: str) -> list[str]:
    """Returns a command with a checkpoint's path where its place is."""
    return [word.replace(PLACE, path) for word in words]


def read_command(text: str, said: str, python: str | None) -> tuple[str, ...]:
    """Reads `SCRIPT ARGS`.

    Raises:
        LaunchError: There is no such script.
    """
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise LaunchError(f"{said} {text}: {error}") from None
    try:
        resolve(words, python)
    except LaunchError as error:
        raise LaunchError(f"{said}: {error}", error.status) from None
    return words
