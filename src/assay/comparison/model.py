"""What a comparison of two runs says."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..journal.view import RunView


class Stage(enum.IntEnum):
    """Parts of a step in the order in which one comes of another."""

    WEIGHTS = 0
    BATCH = 1
    TARGETS = 2
    MODE = 3
    LOSS = 4
    GRADIENT = 5
    RATE = 6
    UPDATE = 7
    EVALUATION = 8
    LENGTH = 9


ANY = frozenset(Stage)
ARITHMETIC = frozenset((Stage.LOSS, Stage.GRADIENT, Stage.UPDATE, Stage.EVALUATION))
"""What comes out otherwise although weights, batch and rate are alike."""
DRAWN = ARITHMETIC | {Stage.WEIGHTS, Stage.BATCH, Stage.TARGETS}
"""What random numbers decide: weights, order of samples, augmentation, dropout."""
DATA = frozenset((Stage.BATCH, Stage.TARGETS, Stage.EVALUATION, Stage.LENGTH))


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is otherwise in the one run than in the other.

    Attributes:
        name: What it is: `arguments`, `seed of torch`, `OMP_NUM_THREADS`.
        a, b: How it is in each, in words.
        explains: Stages at which two runs can part because of it.
    """

    name: str
    a: str
    b: str
    explains: frozenset[Stage] = field(default=ANY, kw_only=True)


def if_other(
    name: str, a: object, b: object, *, explains: frozenset[Stage] = ANY
) -> Iterator[Difference]:
    """Yields the difference of two values that are both known, if there is one."""
    if a != b and a is not None and b is not None:
        yield Difference(name, in_words(a), in_words(b), explains=explains)


def in_words(value: object) -> str:
    """Returns a value as a person reads it."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(in_words(item) for item in value)
    return str(value)


@dataclass(frozen=True, slots=True)
class Line:
    """A line that only one of two runs had: its sign (`-` the first, `+` the second) and number."""

    sign: str
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """One file whose text is another in the second run; `left_out` lines of it are not told."""

    file: str
    lines: tuple[Line, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """How one part of a step compares: of the step at which two runs part, or of a sample before.

    Attributes:
        stage: Which part.
        signal, place: What was compared.
        step: Of this sample; the last one in both runs up to where they part.
        alike: Whether it is the same in both.
        a, b: The values.
    """

    stage: Stage
    signal: str
    place: str
    step: int
    alike: bool
    a: float
    b: float


@dataclass(frozen=True, slots=True)
class Parting:
    """Where two trainings part.

    Attributes:
        training: Number of the pair, from 0; `optimizer` is its class in the first run.
        step: The first step at which something recorded differs.
        stage: The earliest part of that step that differs, of those that were seen at it.
        seen: What was compared at that step, or in the last sample before it.
        batches: Sampled steps of both at which the batch was compared, and at which it was alike.
        order: The first pass over its data whose first batches a loader drew otherwise; -1 if all
            passes on record are alike, None if none is.
        first_other: The first parameter that differs where the weights do; "" if not known.
    """

    training: int
    optimizer: str
    step: int
    stage: Stage
    seen: tuple[Seen, ...] = ()
    batches: tuple[int, int] = (0, 0)
    order: int | None = None
    first_other: str = ""

    def at(self, stage: Stage) -> Seen | None:
        """Returns how one part compares, if it was seen."""
        return next((seen for seen in self.seen if seen.stage is stage), None)

    @property
    def possible(self) -> frozenset[Stage]:
        """The stages at which they can have parted: what was not seen at that step can be it."""
        known = {seen.stage for seen in self.seen if seen.step == self.step}
        looked, alike = self.batches
        if looked > 1 and looked == alike:
            known |= {Stage.BATCH, Stage.TARGETS}
        hidden = (Stage.WEIGHTS, Stage.BATCH, Stage.TARGETS)
        unseen = {each for each in hidden if each < self.stage and each not in known}
        if Stage.WEIGHTS in unseen and self.step:  # an earlier step has made them others
            unseen = unseen - {Stage.WEIGHTS} | {Stage.LOSS, Stage.GRADIENT, Stage.UPDATE}
        return frozenset({self.stage, *unseen})

    @property
    def near(self) -> bool:
        """Whether the losses first part by no more than rounding does."""
        seen = self.at(Stage.LOSS)
        return seen is not None and abs(seen.a - seen.b) <= ROUNDING * max(abs(seen.a), abs(seen.b))


ROUNDING = 1e-5
"""Relative: sums in float32 in another order differ by some 1e-7 times the root of their length
(Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 4.2)."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs side by side.

    Attributes:
        a, b: Their records.
        differences: What is otherwise in their set-up, the gravest first.
        changes: Files whose text is another, where it was kept, with the lines.
        parting: Where they part; None if all that was recorded is alike.
        steps: How many steps were compared.
        losses: How many losses were.
        digits: Significant digits of the losses that were compared.
        weights: Sampled steps at which the weights were compared, to the last bit.
        last_weights: The last of those; None without one.
        notes: What could not be compared, and why.
    """

    a: RunView
    b: RunView
    differences: tuple[Difference, ...] = ()
    changes: tuple[Change, ...] = ()
    parting: Parting | None = None
    steps: int = 0
    losses: int = 0
    digits: int = 9
    weights: int = 0
    last_weights: int | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def explaining(self) -> tuple[Difference, ...]:
        """The differences that can explain where the runs part."""
        if self.parting is None:
            return ()
        possible = self.parting.possible
        return tuple(each for each in self.differences if possible & each.explains)
