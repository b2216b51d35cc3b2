"""What a way to merge is: options, and one tensor made of several."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from .trimming import Trim


class MethodError(Exception):
    """An option that a method does not have, or a value that it can't take."""


@dataclass(frozen=True)
class Given:
    """What a method gets for one tensor.

    Attributes:
        name: Of the tensor.
        tensors: One for each input, all of one shape and one floating-point type.
        weights: One for each input, as the user gave them; ones otherwise.
        base: The same tensor of what all inputs were trained from; None without `--base`.
        fishers: The diagonal of each input's Fisher information; empty without `--fisher`.
        trim: Of a method that has one, for a piece: it has seen all pieces.
    """

    name: str
    tensors: Sequence[Tensor]
    weights: Sequence[float]
    base: Tensor | None = None
    fishers: Sequence[Tensor] = ()
    trim: Trim | None = None

    @property
    def origin(self) -> Tensor:
        """The base, of a method that needs one."""
        assert self.base is not None
        return self.base

    @property
    def shares(self) -> list[float]:
        """The weights, divided by their sum."""
        total = sum(self.weights)
        return [weight / total for weight in self.weights]

    def deltas(self) -> list[Tensor]:
        """Returns what each input has learned since the base: its task vector."""
        return [tensor - self.origin for tensor in self.tensors]


@dataclass(frozen=True)
class Method:
    """One way to merge. The class docstring is its page; its fields are its options."""

    name: ClassVar[str]
    needs: ClassVar[str] = ""
    """What beside the inputs: `base` or `fisher`."""
    inputs: ClassVar[int | None] = None
    """How many it takes; None for any number."""
    weighted: ClassVar[bool] = True
    """Whether `--weights` mean something."""

    by_entry: ClassVar[bool] = False
    """Whether an entry of the result depends on no other, but for what `trim` tells of them all:
    then a tensor may come in pieces."""

    def trim(self, many: int, entries: int, *, wide: bool) -> Trim | None:
        """Returns what has to see all of a tensor before it is merged; None for most methods.

        Args:
            many: How many inputs.
            entries: Of the tensor.
            wide: Whether they are of 64 bits.
        """
        return None

    def looked_at(self, given: Given) -> Sequence[Tensor]:
        """Returns what that sees of a piece."""
        return given.tensors

    def merge(self, given: Given) -> Tensor:
        """Returns the tensor, or the piece, that stands for all."""
        raise NotImplementedError

    def _trim(self, given: Given) -> Trim:
        """Returns what has seen all of the tensor; a whole one is seen now."""
        if given.trim is not None:
            return given.trim
        first = given.tensors[0]
        trim = self.trim(len(given.tensors), first.numel(), wide=first.itemsize == 8)
        assert trim is not None
        for _ in range(trim.passes):
            trim.see(self.looked_at(given))
            trim.turn()
        return trim

    def __str__(self) -> str:
        return ",".join([self.name, *(f"{k}={v}" for k, v in dataclasses.asdict(self).items())])


def number(default: float, low: float, high: float) -> Any:
    """Declares an option: a number from `low` to `high`, a whole one if its default is."""
    return dataclasses.field(default=default, metadata={"low": low, "high": high})


def choice(*names: str) -> Any:
    """Declares an option that is one of these; the first unless another is given."""
    return dataclasses.field(default=names[0], metadata={"choices": names})


def read(cls: type[Method], options: Mapping[str, str]) -> Method:
    """Makes a method of its options as text.

    Raises:
        MethodError: One is unknown, or its value is not of its kind or out of its range.
    """
    fields = {field.name: field for field in dataclasses.fields(cls)}
    values: dict[str, Any] = {}
    for name, text in options.items():
        if name not in fields:
            raise MethodError(
                f"{cls.name} has no option {name!r}: it takes {', '.join(fields) or 'none'}"
            )
        values[name] = _value(cls, fields[name], text)
    return cls(**values)


def _value(cls: type[Method], field: Any, text: str) -> Any:
    said, limits = f"{cls.name}: {field.name}", field.metadata
    if choices := limits.get("choices"):
        if text not in choices:
            raise MethodError(f"{said} is one of {', '.join(choices)}, received {text!r}")
        return text
    kind = type(field.default)
    try:
        value = kind(text)
    except ValueError:
        value = float("nan")
    if not limits["low"] <= value <= limits["high"]:
        what = "whole number" if kind is int else "number"
        raise MethodError(
            f"{said} is a {what} from {limits['low']:g} to {limits['high']:g}, received {text!r}"
        )
    return value
