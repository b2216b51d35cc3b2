"""What a declaration of something recorded is; both sides of the wall read it, so no torch here.

`SIGNALS` (in `signals.py`) declares every series of numbers, `EVENTS` (in `events.py`) every kind
of event. Whoever writes or reads a name that is not declared gets a `KeyError`.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

Data = TypeVar("Data", bound=Mapping[str, Any])


class Per(enum.Flag):
    """What the places of a signal are; a signal may have places of several kinds."""

    WHOLE = enum.auto()
    PARAMETER = enum.auto()
    MODULE = enum.auto()
    ROOT = enum.auto()
    ACTIVATION = enum.auto()
    LAYER_INPUT = enum.auto()
    LOSS_CALL = enum.auto()
    GRAD_CALL = enum.auto()
    LOSS_FUNCTION = enum.auto()
    INPUT = enum.auto()
    BIN = enum.auto()
    GROUP = enum.auto()
    CLASS = enum.auto()
    JUDGED = enum.auto()
    JUDGE = enum.auto()

    @property
    def kinds(self) -> tuple[Per, ...]:
        """The single kinds that this one is made of."""
        return tuple(kind for kind in Per if kind in self)


PLACES: Mapping[Per, tuple[str, str]] = {
    Per.WHOLE: ("the whole", 'the empty place `""`: one number for all together'),
    Per.PARAMETER: ("parameter", "a parameter's name, such as `layers.3.weight`"),
    Per.MODULE: ("module", "the name of a module without parts, such as `layers.3`"),
    Per.ROOT: ("root module", "the class of a module that the script calls itself, such as `Net`"),
    Per.ACTIVATION: (
        "activation",
        "the activation's module, or `relu (train.py:23)` for a function that the script calls",
    ),
    Per.LAYER_INPUT: ("layer given data", "the name of a layer that is given data as they are"),
    Per.LOSS_CALL: ("loss call", "`cross_entropy (train.py:31)`: the function and the line"),
    Per.GRAD_CALL: ("call of grad", "the call and its line, such as `grad (train.py:31)`"),
    Per.LOSS_FUNCTION: ("loss function", "the function's name, such as `cross_entropy`"),
    Per.INPUT: ("input", "`input 0`, or the keyword's name; of several models behind the model's"),
    Per.BIN: ("bin of an input", "`input 0 [7]`: number 7 of 24 equal bins, the lowest first"),
    Per.GROUP: ("parameter group", "`group 0`"),
    Per.CLASS: ("class", "the label, as text"),
    Per.JUDGED: (
        "judged batch",
        "`Critic on Generator`, `Critic on detached Generator` or `Critic on data`: which network "
        "was given what another one made, with its graph or without it, or something else",
    ),
    Per.JUDGE: ("judge", "the name of the network, such as `Critic`"),
}
"""What each kind of place is called, and how it is written in the journal."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One named series of numbers.

    Attributes:
        name: As it stands in the journal.
        title: The same for people, as it stands above a plot.
        unit: Of its values; "" for a plain number such as a share or a ratio of two losses.
        per: What its places are.
        by: Name of the probe that records it; "clock" for what every step leaves.
        says: What a value means, in a sentence without its full stop.
        absent: What it means that a run has none although its probe looked and did not fail: what
            the script did not do, in the words of the person who trains.
        always: Looked for in every step; else in the sampled ones.
    """

    name: str
    title: str
    unit: str
    per: Per
    by: str
    says: str
    absent: str
    always: bool = False


@dataclass(frozen=True, slots=True)
class EventKind(Generic[Data]):
    """One kind of event: a fact that is not a number, with its step and the user's line.

    Attributes:
        name: As it stands in the journal.
        data: The type of its data, a TypedDict.
        by: Name of the probe that records it; "clock" or "sweep" for what no probe does.
        says: When it is written, in a sentence without its full stop.
        absent: What it means that a run has none although its probe looked and did not fail.
        always: Looked for in every step; else in the sampled ones.
    """

    name: str
    data: type[Data]
    by: str
    says: str
    absent: str
    always: bool = False

    def verify(self, data: Mapping[str, Any], *, whole: bool = True) -> None:
        """Raises KeyError if `data` has a key that is not declared, or lacks a necessary one.

        Args:
            data: Of one event.
            whole: Whether all necessary keys must be there; a unit test gives what its check reads.
        """
        needed: frozenset[str] = self.data.__required_keys__  # type: ignore[attr-defined]
        known: frozenset[str] = needed | self.data.__optional_keys__  # type: ignore[attr-defined]
        if strange := sorted(data.keys() - known):
            raise KeyError(f"event {self.name}: {unknown('key', strange[0], known)}")
        if whole and (missing := sorted(needed - data.keys())):
            raise KeyError(f"event {self.name}: no {missing[0]!r} is given")


class _Named(Protocol):
    @property
    def name(self) -> str: ...


Declaration = TypeVar("Declaration", bound=_Named)


class Declared(dict[str, Declaration]):
    """Declarations by name; asking for another name is a `KeyError` that suggests the nearest."""

    def __init__(self, what: str, declarations: Iterable[Declaration]) -> None:
        super().__init__()
        self.what = what
        for each in declarations:
            if each.name in self:
                raise ValueError(f"{what} {each.name} is declared twice")
            self[each.name] = each

    def __missing__(self, name: str) -> Declaration:
        raise KeyError(unknown(self.what, name, self))


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Returns a sentence on a name that is not declared, with those most like it."""
    import difflib  # the child never needs it

    near = difflib.get_close_matches(str(name), list(known), n=3, cutoff=0.6)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    return f"no {what} is called {name!r}{hint}"
