"""Tricks as they are written after `--with`: `clip-norm=1.0`, `ema=0.99,warmup=no`, `a+b`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .base import Trick, TrickError
from .catalogue import by_name, in_order


def read(text: str) -> Trick:
    """Reads `NAME`, `NAME=VALUE` or `NAME=VALUE,key=value`; TrickError if it can't be read."""
    head, *rest = text.split(",")
    name, equals, value = head.partition("=")
    options: dict[str, str] = {}
    for part in rest:
        key, has, raw = part.partition("=")
        if not has or not key or key in options:
            raise TrickError(f"{text}: expected key=value after a comma, received {part!r}")
        options[key.strip()] = raw.strip()
    if equals and not value:
        raise TrickError(f"{text}: nothing after {name}=")
    kind = by_name(name.strip())
    if equals and kind.main is None:
        raise TrickError(f"{kind.name} takes no value, received {value!r}")
    return kind(value.strip(), **options) if equals else kind(**options)


def read_all(texts: Iterable[str]) -> tuple[Trick, ...]:
    """Reads several, each of them one trick or some joined by `+`, in the order in which they act.

    The same trick with the same values counts once.

    Raises:
        TrickError: One is unknown, takes no such value, or can't stand beside another.
    """
    tricks: dict[Trick, None] = {}
    for text in texts:
        # a plus before a digit belongs to a number such as 1e+3
        parts = [part.strip() for part in re.split(r"\+(?![0-9])", text)]
        if not all(parts):
            raise TrickError(f"{text!r}: expected a trick on each side of +, as in ema+clip-norm=1")
        tricks.update((read(part), None) for part in parts)
    return in_order(tricks)
