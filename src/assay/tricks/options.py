"""The options that a trick takes: declared like the fields of a dataclass, read from text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any


class TrickError(ValueError):
    """A trick can't be had as asked; one line says what was received and what is allowed."""


@dataclass(frozen=True, slots=True)
class Option:
    """One value that a trick takes.

    Args:
        name: its key, as `--with` spells it.
        kind: `float`, `int`, `str` or `bool`.
        default: what holds when it is not given.
        low, high: the allowed range, ends included unless `open_low` / `open_high`.
        choices: the allowed words of a `str`.
        help: one phrase with the unit.
        required: there is no default.
        main: it is what stands behind the equals sign: `clip-norm=1.0`.
    """

    name: str
    kind: type
    default: Any = None
    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False
    choices: tuple[str, ...] = ()
    help: str = ""
    required: bool = False
    main: bool = False

    @property
    def attribute(self) -> str:
        """Its name in Python."""
        return self.name.replace("-", "_")

    def read(self, raw: Any, owner: str) -> Any:
        """Turns text (or a Python value) into a checked value; TrickError if it can't be one."""
        label = owner if self.main else f"{owner},{self.name}"
        try:
            value = self._typed(raw)
        except (TypeError, ValueError):
            value = None
        if value is None or not self._allowed(value):
            raise TrickError(f"{label}={raw}: expected {self.expected()}, received {raw!r}")
        return value

    def expected(self) -> str:
        """Says what is allowed, in words."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.kind is bool:
            return "yes or no"
        noun = {int: "a whole number", float: "a number", str: "a word"}[self.kind]
        low = high = ""
        if self.low != -math.inf:
            low = f"{'above' if self.open_low else 'at least'} {self.low:g}"
        if self.high != math.inf:
            high = f"{'below' if self.open_high else 'at most'} {self.high:g}"
        return " ".join(part for part in (noun, low, "and" if low and high else "", high) if part)

    def _typed(self, raw: Any) -> Any:
        if self.kind is bool:
            if isinstance(raw, bool):
                return raw
            words = {
                "yes": True,
                "true": True,
                "on": True,
                "no": False,
                "false": False,
                "off": False,
            }
            if str(raw).lower() not in words:
                raise ValueError
            return words[str(raw).lower()]
        if self.kind is int:
            number = float(raw)
            if number != int(number) or isinstance(raw, bool):
                raise ValueError
            return int(number)
        if self.kind is float:
            if isinstance(raw, bool):
                raise ValueError
            return float(raw)
        return str(raw)

    def _allowed(self, value: Any) -> bool:
        if self.choices:
            return value in self.choices
        if self.kind not in (int, float):
            return True
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return above and below and not math.isnan(value)


def written(value: Any) -> str:
    """Writes a value as `read` takes it; a number of many digits as a person writes it, 7e+14."""
    if isinstance(value, float) and abs(value) >= 1e6:
        short = next(f"{value:.{digits}g}" for digits in range(1, 18) if _same(value, digits))
        return short if "e" in short else str(value)
    return str(value)


def _same(value: float, digits: int) -> bool:
    return float(f"{value:.{digits}g}") == value


REQUIRED: Any = object()
KINDS: Mapping[str, type] = {"float": float, "int": int, "str": str, "bool": bool}


def option(
    *,
    default: Any = REQUIRED,
    kind: type = object,
    low: float = -math.inf,
    high: float = math.inf,
    open_low: bool = False,
    open_high: bool = False,
    choices: tuple[str, ...] = (),
    help: str = "",
    main: bool = False,
) -> Any:
    """Declares an option of a trick by an annotated attribute, like a field of a dataclass.

    Its name is the attribute's, its kind the annotation's (`float`, `float | None`, ...). The
    arguments are those of `Option`; without a default it must be given.
    """
    required = default is REQUIRED
    given = None if required else default
    ends = (low, high, open_low, open_high)
    return Option("", kind, given, *ends, choices, help, required, main)


def value(**settings: Any) -> Any:
    """Declares the main value of a trick: what `--with NAME=VALUE` gives; arguments as `option`."""
    return option(**settings, main=True)


def named(key: str, annotation: Any, declared: Option) -> Option:
    """Returns an option with the name and the kind of the attribute that declares it."""
    kind = declared.kind
    if kind is object:
        word = str(annotation).removesuffix(" | None")
        kind = KINDS[word]
    return replace(declared, name=key.replace("_", "-"), kind=kind)
