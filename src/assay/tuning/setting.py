"""A point of the space as a run of the script: tricks, arguments, variables, copies of files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..launch.errors import LaunchError
from ..trials.plan import CONTROL, Candidate, Given, candidate_of
from .configuration import changed, known_value
from .space import Dimension, Point, Value, tricks_of, written


@dataclass(frozen=True, slots=True)
class Settings:
    """Turns points into candidates.

    Attributes:
        space: What is searched.
        words: The user's command.
        folder: Where copies of files are written.
    """

    space: tuple[Dimension, ...]
    words: tuple[str, ...]
    folder: Path

    def candidate(self, point: Point) -> Candidate:
        """Returns the candidate of a point.

        Raises:
            TrickError: Its tricks can't stand together.
            LaunchError: A copy of a file can't be written.
        """
        tricks = candidate_of(tricks_of(self.space, point))
        words = list(self.words)
        variables, values = [], dict[str, dict[str, Value]]()
        for dimension in self.space:
            value = point[dimension.name]
            if dimension.kind == "arg":
                words = with_argument(words, dimension.key, written(value))
            elif dimension.kind == "env":
                variables.append((dimension.key, written(value)))
            elif dimension.kind == "file":
                path, _, place = dimension.key.rpartition(":")
                values.setdefault(path, {})[place] = value
        for path, places in values.items():
            copy = changed(Path(path), places, self.folder)
            words = [_instead(word, path, str(copy)) for word in words]
        given = Given(tuple(words) if words != list(self.words) else (), tuple(variables))
        others = [f"{d.key.rpartition(':')[2] if d.kind == 'file' else d.key}="
                  f"{written(point[d.name])}" for d in self.space if d.kind != "trick"]  # fmt: skip
        names = [*([tricks.name] if tricks.tricks else []), *others]
        return replace(tricks, name=" ".join(names) or CONTROL.name, given=given)

    def own(self, dimension: Dimension) -> Value | None:
        """Returns what the user gives for an argument, a variable or a file's value, if anything.

        A trick's own value is in the record of a run.
        """
        if dimension.kind == "arg":
            return argument(self.words, dimension.key)
        if dimension.kind == "env":
            return os.environ.get(dimension.key)
        path, _, place = dimension.key.rpartition(":")
        return known_value(Path(path), place)


def check_files(space: Sequence[Dimension], words: Sequence[str]) -> None:
    """Refuses a file that can't be searched, before anything runs.

    Raises:
        LaunchError: It can't be read, has no such value, or the command does not name it.
    """
    for dimension in space:
        if dimension.kind != "file":
            continue
        path, _, place = dimension.key.rpartition(":")
        known_value(Path(path), place)
        if all(_instead(word, path, "") == word for word in words):
            raise LaunchError(
                f"--search {dimension.name}: the command does not name {path}, so a copy of it "
                f"can't be given instead: name it, as in --config {path}"
            )


def _instead(word: str, path: str, copy: str) -> str:
    """Names a copy where a word is a path, or ends with `=PATH`."""
    head, equals, tail = word.rpartition("=")
    return head + equals + copy if tail == path else word


def with_argument(words: Sequence[str], name: str, value: str) -> list[str]:
    """Returns the command with another value of an argument, which is added if it is not there."""
    words = list(words)
    begin = first_argument(words)
    for place in range(len(words) - 1, begin - 1, -1):  # the last one counts, as in argparse
        if words[place].startswith(f"{name}="):
            words[place] = f"{name}={value}"
            return words
        if words[place] == name and name.startswith("-") and place + 1 < len(words):
            words[place + 1] = value
            return words
    if name.startswith("-") and not value.startswith("-"):
        return [*words, name, value]
    return [*words, f"{name}={value}"]


def argument(words: Sequence[str], name: str) -> str | None:
    """Returns the value of an argument in a command; None if it is not there."""
    for place in range(len(words) - 1, first_argument(words) - 1, -1):
        if words[place].startswith(f"{name}="):
            return words[place].partition("=")[2]
        if words[place] == name and name.startswith("-") and place + 1 < len(words):
            return words[place + 1]
    return None


def first_argument(words: Sequence[str]) -> int:
    """Returns where the script's arguments begin."""
    if words[0] == "--":
        return next((n + 1 for n, word in enumerate(words) if word.endswith(".py")), 2)
    return 2 if words[0] == "-m" else 1
