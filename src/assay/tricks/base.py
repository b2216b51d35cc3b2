"""What a trick is, and the options it takes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from .handle import Handle
    from .stage import Stage


class TrickError(ValueError):
    """A trick can't be had as asked; one line says what was received and what is allowed."""


@dataclass(frozen=True, slots=True)
class Option:
    """One value that a trick takes.

    Args:
        name: its key; the main value of a trick is called `value`.
        kind: `float`, `int`, `str` or `bool`.
        default: what holds when it is not given.
        low, high: the allowed range, ends included unless `open_low` / `open_high`.
        choices: the allowed words of a `str`.
        help: one phrase with the unit.
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

    def read(self, raw: Any, owner: str) -> Any:
        """Turns text (or a Python value) into a checked value; TrickError if it can't be one."""
        label = owner if self.name == "value" else f"{owner},{self.name}"
        try:
            value = self._typed(raw)
        except (TypeError, ValueError):
            value = None
        if value is None or not self._allowed(value):
            raise TrickError(f"{label}={raw}: expected {self.expected()}, received {raw!r}")
        return value

    def expected(self) -> str:
        """What is allowed, in words."""
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


class Trick:
    """One training trick. The class docstring is its page.

    A subclass says what it takes (`value`, `options`), what it can't stand beside (`conflicts`),
    and in `attach_to` what it does at which seam. An instance holds its checked values in `given`.
    """

    name: ClassVar[str]
    family: ClassVar[str]
    value: ClassVar[Option | None] = None
    options: ClassVar[tuple[Option, ...]] = ()
    conflicts: ClassVar[tuple[str, ...]] = ()

    def __init__(self, value: Any = None, **options: Any) -> None:
        self.given = SimpleNamespace(**self._read(value, options))
        self.check()

    @classmethod
    def _read(cls, value: Any, options: Mapping[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        if cls.value is not None:
            if value is None and cls.value.required:
                raise TrickError(
                    f"{cls.name} needs a value: {cls.value.expected()} ({cls.value.help})"
                )
            values["value"] = (
                cls.value.default if value is None else cls.value.read(value, cls.name)
            )
        elif value is not None:
            raise TrickError(f"{cls.name} takes no value, received {value!r}")
        known = {option.name.replace("-", "_"): option for option in cls.options}
        for key, raw in options.items():
            option = known.get(key.replace("-", "_"))
            if option is None:
                names = ", ".join(o.name for o in cls.options) or "no options"
                raise TrickError(f"{cls.name} has no option {key!r}: it takes {names}")
            values[option.name.replace("-", "_")] = option.read(raw, cls.name)
        for key, option in known.items():
            if key not in values:
                if option.required:
                    raise TrickError(f"{cls.name} needs {option.name}: {option.expected()}")
                values[key] = option.default
        return values

    def check(self) -> None:
        """Refuses values that don't fit each other, by a TrickError."""

    def attach_to(self, stage: Stage) -> None:
        """Takes its place at the seams; everything done through the stage is undone by it."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """What has to be kept to go on after a restart; empty for a trick without memory."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a kept state."""

    def attach(self, *objects: Any) -> Handle:
        """Applies the trick to these models and optimizers, in this process.

        Args:
            objects: `torch.nn.Module`s and `torch.optim.Optimizer`s, in any order.

        Returns:
            A handle whose `detach()` undoes it.
        """
        from .handle import attach

        return attach([self], objects)

    def __str__(self) -> str:
        given = vars(self.given)
        head = self.name if given.get("value") is None else f"{self.name}={given['value']}"
        rest = [
            f"{o.name}={given[key]}"
            for o in self.options
            if given[key := o.name.replace("-", "_")] != o.default
        ]
        return ",".join([head, *rest])
