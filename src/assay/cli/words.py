"""Reads the words of the command line: options end at the first word that is none."""

from __future__ import annotations

import argparse
import difflib
import math
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from ..launch.errors import LaunchError
from ..tricks.base import Trick, TrickError
from ..tricks.reading import read_all

COMMAND = (
    "SCRIPT [ARGS...] | -m MODULE [ARGS...] | -- COMMAND [ARGS...]\n\n"
    "Options come before the script; everything after it belongs to the script."
)


class Parser(argparse.ArgumentParser):
    """argparse, but every complaint is one line `assay: ...` that says what to do instead."""

    def __init__(self, **settings: Any) -> None:
        settings.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        """Raises instead of printing the usage.

        Raises:
            LaunchError: Always, with status 2.
        """
        message = message.removeprefix("argument ").replace(": must be ", " must be ")
        raise LaunchError(message.replace(": expected one argument", " needs a value"))

    def option(self, name: str) -> argparse.Action | None:
        """Returns the option of this name; None if there is none."""
        return self._option_string_actions.get(name)

    def split(self, words: Sequence[str]) -> tuple[list[str], list[str]]:
        """Splits words into our options and the command, which begins at the first that is none.

        Raises:
            LaunchError: An option is not one of ours.
        """
        words = list(words)
        place = 0
        while place < len(words):
            word = words[place]
            if word in ("--", "-m") or not word.startswith("-") or word == "-":
                break
            name, equals, _ = word.partition("=")
            action = self.option(name)
            if action is None:
                known = [o for o in self._option_string_actions if o.startswith("--")]
                raise LaunchError(f"unknown option {name}{did_you_mean(name, known)}")
            place += 1 if equals or action.nargs == 0 else 2
        return words[:place], words[place:]

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """Reads words in which positionals may stand, naming an unknown option helpfully.

        Raises:
            LaunchError: What can't be understood.
        """
        parsed, unknown = self.parse_known_args(list(words))
        for word in unknown:
            if word.startswith("-"):
                known = [o for o in self._option_string_actions if o.startswith("--")]
                raise LaunchError(f"unknown option {word}{did_you_mean(word, known)}")
            raise LaunchError(f"one word too many: {word!r}")
        return parsed


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """Returns `; did you mean X?` if something known is close, else nothing."""
    close = difflib.get_close_matches(given, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""


def whole_number(text: str) -> int:
    """Reads a whole number from 1.

    Raises:
        ArgumentTypeError: It is none.
    """
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, received {text!r}")
    return value


def seconds(text: str) -> float:
    """Reads a number of seconds above 0.

    Raises:
        ArgumentTypeError: It is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"must be a number above 0, received {text!r}")
    return value


def level(text: str) -> str:
    """Reads `error` or `warning`.

    Raises:
        ArgumentTypeError: It is neither.
    """
    if text not in ("error", "warning"):
        hint = did_you_mean(text, ("error", "warning"))
        raise argparse.ArgumentTypeError(f"must be error or warning, received {text!r}{hint}")
    return text


def check_names(given: Iterable[str], said: str, known: Sequence[str]) -> tuple[str, ...]:
    """Reads names of checks, also comma-separated ones.

    Args:
        given: What the user wrote.
        said: Where they wrote it, for the complaint.
        known: All names there are.

    Raises:
        LaunchError: There is no check of that name.
    """
    names = [name.strip() for text in given for name in text.split(",")]
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or "; `assay checks` lists them"
            raise LaunchError(f"{said}: no check is called {name!r}{hint}")
    return tuple(dict.fromkeys(names))


def tricks_asked(texts: Iterable[str]) -> tuple[Trick, ...]:
    """Reads what was given by `--with`, in the order in which the tricks act.

    Raises:
        LaunchError: One is unknown, takes no such value, or can't stand beside another.
    """
    texts = tuple(texts)
    try:
        return read_all(texts)
    except TrickError as error:
        said = f" {texts[0]}" if len(texts) == 1 else ""
        raise LaunchError(f"--with{said}: {error}") from None
