"""The space that is searched: what `--search NAME=LOW:HIGH[:log]` and `NAME=a,b,c` say."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..launch.errors import LaunchError
from ..tricks.base import Trick, TrickError
from ..tricks.catalogue import by_name, in_order
from ..tricks.reading import read

if TYPE_CHECKING:
    import optuna

Value = float | int | str
Point = Mapping[str, Value]
"""A value of each dimension, by its name."""

WITHOUT = "none"
"""A choice of a trick: to train without it."""

FORM = "NAME=LOW:HIGH[:log] or NAME=a,b,c"
_WHOLE = re.compile(r"[+-]?\d+")


@dataclass(frozen=True, slots=True)
class Dimension:
    """One thing that is searched.

    Attributes:
        name: As the user writes it: `lr`, `betas.beta2`, `arg:--hidden`, `env:WIDTH` or
            `file:conf.yaml:model.depth`.
        kind: Where its value goes.
        low, high: The range, ends included; nan where there are choices.
        log: Values are spread evenly over the logarithm.
        whole: Only whole numbers.
        choices: The values, where there is no range.
        why: Where the range comes from; empty if the user gave it.
    """

    name: str
    kind: Literal["trick", "arg", "env", "file"]
    low: float = math.nan
    high: float = math.nan
    log: bool = False
    whole: bool = False
    choices: tuple[Value, ...] = ()
    why: str = ""

    @property
    def key(self) -> str:
        """Its name without the kind: `--hidden`."""
        return self.name if self.kind == "trick" else self.name.partition(":")[2]

    def __str__(self) -> str:
        if self.choices:
            return f"{self.name}={','.join(map(written, self.choices))}"
        ends = ":".join(self._end(end) for end in (self.low, self.high))
        return f"{self.name}={ends}{':log' if self.log else ''}"

    def _end(self, end: float) -> str:
        return str(int(end)) if self.whole else written(float(end))

    def distribution(self) -> optuna.distributions.BaseDistribution:
        """Returns it as Optuna has it."""
        from optuna.distributions import (
            CategoricalDistribution,
            FloatDistribution,
            IntDistribution,
        )

        if self.choices:
            return CategoricalDistribution(self.choices)
        if self.whole:
            return IntDistribution(int(self.low), int(self.high), log=self.log)
        return FloatDistribution(self.low, self.high, log=self.log)

    def holds(self, value: Value) -> bool:
        """Whether a value lies in it."""
        if self.choices:
            return value in self.choices
        if isinstance(value, str) or not self.low <= value <= self.high:
            return False
        return not self.whole or value == int(value)

    def grid(self, points: int) -> list[Value]:
        """Returns so many values of a range, evenly spread, or all choices."""
        if self.choices:
            return list(self.choices)
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        inner = [low + (high - low) * i / (points - 1) for i in range(1, points - 1)]
        values = [self.low, *(math.exp(x) if self.log else x for x in inner), self.high]
        return list(dict.fromkeys(map(round, values))) if self.whole else list(values)


def written(value: Value) -> str:
    """Writes a value so that it is read back to the last bit."""
    return repr(value) if isinstance(value, float) else str(value)


def read_space(texts: Iterable[str]) -> tuple[Dimension, ...]:
    """Reads all that is to be searched.

    Raises:
        LaunchError: One can't be understood, or two can't stand together.
    """
    space: list[Dimension] = []
    for text in texts:
        found = read_dimension(text)
        if any(found.name == other.name for other in space):
            raise LaunchError(f"--search {found.name}: given twice")
        space.append(found)
    for dimension in space:
        owner, dot, _ = dimension.name.partition(".")
        if dimension.kind == "trick" and dot:
            _try(dimension, [d for d in space if d.name == owner or d is dimension])
    try:
        some_tricks(space)
    except TrickError as error:
        raise LaunchError(f"--search: {error}") from None
    return tuple(space)


def read_dimension(text: str) -> Dimension:
    """Reads one `--search`.

    Raises:
        LaunchError: What was received, and what is expected.
    """
    name, equals, values = (part.strip() for part in text.partition("="))
    said = f"--search {text}"
    if not equals or not name or not values:
        raise LaunchError(f"{said}: expected {FORM}")
    kind = _kind(name, said)
    if "," in values or ":" not in values:
        found = Dimension(name, kind, choices=_choices(values, said))
    else:
        found = _range(name, kind, values, said)
    if kind == "trick":
        found = _of_trick(found, said)
    return found


def _kind(name: str, said: str) -> Literal["trick", "arg", "env", "file"]:
    kind, colon, rest = name.partition(":")
    if not colon:
        return "trick"
    if kind == "arg" and rest:
        return "arg"
    if kind == "env" and re.fullmatch(r"[A-Za-z_]\w*", rest, re.ASCII):
        return "env"
    if kind == "file":
        path, _, place = rest.rpartition(":")
        if path and place:
            return "file"
        raise LaunchError(f"{said}: expected file:PATH:KEY.KEY=..., as in file:conf.yaml:depth=1:4")
    if kind in ("arg", "env"):
        raise LaunchError(f"{said}: expected a name after {kind}:, received {rest!r}")
    raise LaunchError(f"{said}: expected a trick, arg:, env: or file:, received {kind + ':'!r}")


def _choices(values: str, said: str) -> tuple[Value, ...]:
    parts = [part.strip() for part in values.split(",")]
    if not all(parts):
        raise LaunchError(f"{said}: an empty value between commas")
    chosen = tuple(_value(part) for part in parts)
    if len(chosen) < 2:
        raise LaunchError(f"{said}: one value leaves nothing to search: give two, or LOW:HIGH")
    if len(set(parts)) < len(parts):
        raise LaunchError(f"{said}: the same value twice")
    return chosen


def _value(text: str) -> Value:
    """Returns a number if the text is how Python writes it, else the text: 007 and 1e3 stay."""
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        if str(number) == text:
            return number
    return text


def _range(name: str, kind: Any, values: str, said: str) -> Dimension:
    parts = values.split(":")
    log = len(parts) == 3 and parts[2] == "log"
    if len(parts) != 2 and not log:
        raise LaunchError(f"{said}: expected {FORM}, received {values!r}")
    try:
        low, high = float(parts[0]), float(parts[1])
    except ValueError:
        raise LaunchError(f"{said}: expected two numbers, received {values!r}") from None
    if not (math.isfinite(low) and math.isfinite(high)):
        raise LaunchError(f"{said}: expected two finite numbers, received {values!r}")
    if low > high:
        raise LaunchError(f"{said}: the range is upside down: say {parts[1]}:{parts[0]}")
    if low == high:
        raise LaunchError(f"{said}: the range is empty")
    if log and low <= 0:
        raise LaunchError(f"{said}: a log range begins above 0, received {parts[0]}")
    whole = all(_WHOLE.fullmatch(part.strip()) for part in parts[:2])
    return Dimension(name, kind, low, high, log, whole)


def _of_trick(found: Dimension, said: str) -> Dimension:
    """Checks the ends, or each choice, by what the trick takes."""
    owner, dot, key = found.name.partition(".")
    try:
        kind = by_name(owner)
    except TrickError as error:
        raise LaunchError(f"{said}: {error}; an argument of the script is arg:--{owner}") from None
    if dot:
        option = next((one for one in kind.options if one.name == key), None)
        if option is None:
            has = ", ".join(one.name for one in kind.options) or "none"
            raise LaunchError(f"{said}: {owner} has no option {key!r}; it has: {has}")
    else:
        option = kind.main
        if option is None and any(choice != WITHOUT for choice in found.choices or ("",)):
            raise LaunchError(f"{said}: {owner} takes no value: say {owner}=none,yes")
    numeric = option is not None and (option.kind in (int, float) or owner == "lr")
    if not found.choices:
        if not numeric:
            expected = option.expected() if option is not None else "choices"
            raise LaunchError(f"{said}: {found.name} has no range: it takes {expected}")
        whole = option is not None and option.kind is int
        if whole and not found.whole:
            raise LaunchError(f"{said}: {found.name} takes whole numbers")
        found = Dimension(found.name, found.kind, found.low, found.high, found.log, whole)
    if not dot:
        _try(found, [found])
    return found


def _try(found: Dimension, beside: list[Dimension]) -> None:
    """Reads the trick with both ends, or each choice: it refuses what it does not take."""
    for value in found.choices or (found.low, found.high):
        point = {d.name: _some(d)[d.name] for d in beside}
        point[found.name] = int(value) if found.whole else value
        try:
            tricks_of(beside, point)
        except TrickError as error:
            raise LaunchError(f"--search {found}: {error}") from None


def _some(dimension: Dimension) -> dict[str, Value]:
    """Returns a point with some value of this dimension, a trick's own if there is one."""
    values: tuple[Value, ...] = dimension.choices or (dimension.low,)
    value = next((value for value in values if value != WITHOUT), values[0])
    return {dimension.name: int(value) if dimension.whole else value}


def some_tricks(space: Sequence[Dimension]) -> tuple[Trick, ...]:
    """Returns every trick of a space, with some value of each.

    Raises:
        TrickError: Two of them can't stand together.
    """
    return tricks_of(space, {name: value for d in space for name, value in _some(d).items()})


def tricks_of(space: Sequence[Dimension], point: Point) -> tuple[Trick, ...]:
    """Returns the tricks of a point, in the order in which they act.

    Raises:
        TrickError: A trick takes no such value, or two can't stand together.
    """
    texts: dict[str, str] = {}
    options: dict[str, list[str]] = {}
    for dimension in space:
        if dimension.kind != "trick":
            continue
        owner, dot, key = dimension.name.partition(".")
        value = point[dimension.name]
        if dot:
            options.setdefault(owner, []).append(f"{key}={written(value)}")
        elif value != WITHOUT:
            texts[owner] = owner if by_name(owner).main is None else f"{owner}={written(value)}"
    for owner in options:
        if owner not in texts and not any(d.name == owner for d in space):
            texts[owner] = owner
    return in_order(read(",".join([text, *options.get(o, ())])) for o, text in texts.items())
