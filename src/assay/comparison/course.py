"""Where two trainings part: the first step at which what was recorded of them differs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from ..journal.series import Series
from ..journal.view import Training
from .model import Parting, Seen, Stage

Alike = Callable[[float, float], bool]

FULL, SHORT = 9, 7
"""Significant digits of a loss in a journal, and in one of an earlier version."""
ROUGH = 1e-5
"""Of means and norms, which are sums of floats: relative, see `model.ROUNDING`."""


def digits(one: Training, other: Training) -> int:
    """Returns how many significant digits of their losses can be compared."""
    return min(_digits(one.series("loss")), _digits(other.series("loss")))


def _digits(series: Series) -> int:
    short = all(v == float(f"{v:.{SHORT}g}") for v in series.values if math.isfinite(v))
    return SHORT if short and len(series) else FULL


def exactly(a: float, b: float) -> bool:
    """Whether two numbers are the same; NaN is like NaN."""
    return a == b or (a != a and b != b)


def to_digits(number: int) -> Alike:
    """Returns what compares numbers to so many significant digits."""

    def alike(a: float, b: float) -> bool:
        return exactly(a, b) or f"{a:.{number}g}" == f"{b:.{number}g}"

    return alike


def roughly(a: float, b: float) -> bool:
    """Whether two sums of floats may be sums of the same numbers, in another order."""
    return exactly(a, b) or abs(a - b) <= ROUGH * max(abs(a), abs(b))


STAGES: tuple[tuple[Stage, tuple[str, ...], Alike], ...] = (
    (Stage.WEIGHTS, ("weight_norm",), roughly),
    (Stage.BATCH, ("input_min", "input_max"), exactly),
    (Stage.TARGETS, ("target_min", "target_max", "label_count"), exactly),
    (Stage.TARGETS, ("target_mean", "target_std"), roughly),
    (Stage.MODE, ("eval_share",), exactly),
    (Stage.GRADIENT, ("grad_norm",), roughly),
    (Stage.UPDATE, ("update_norm",), roughly),
    (Stage.EVALUATION, ("evaluation_loss", "evaluation_accuracy"), exactly),
)
"""Signals that tell of each stage, beside losses, rates, fingerprints and inputs."""


def part(number: int, one: Training, other: Training) -> Parting | None:
    """Finds where two trainings part; None if all that was recorded of both is alike.

    Args:
        number: Of this pair.
        one: A training of the first run.
        other: The training of the second run that it is compared with.
    """
    found = [seen for seen in _firsts(one, other) if not seen.alike]
    length = min(one.steps, other.steps)
    if not found and one.steps == other.steps:
        return None
    first = min(found, key=lambda seen: (seen.step, seen.stage), default=None)
    if first is None or (one.steps != other.steps and first.step >= length):
        return Parting(number, one.optimizer, length, Stage.LENGTH, _before(one, other, length),
                       _batches(one, other))  # fmt: skip
    name = ""
    if first.stage is Stage.WEIGHTS:
        name = first.place or _first_other(one, other, first.step)
    seen = _before(one, other, first.step)
    batches = _batches(one, other)
    return Parting(number, one.optimizer, first.step, first.stage, seen, batches, first_other=name)


def compared(one: Training, other: Training, signal: str) -> list[int]:
    """Returns the steps at which both have a signal at the empty place."""
    return sorted(set(one.series(signal).steps) & set(other.series(signal).steps))


def _firsts(one: Training, other: Training) -> Iterator[Seen]:
    """Yields, signal by signal, the first step at which it differs."""
    for stage, signal, place, a, b, alike in _pairs(one, other):
        values = dict(b)
        for step, value in a:
            if step in values and not alike(value, values[step]):
                yield Seen(stage, signal, place, step, False, value, values[step])
                break


def _before(one: Training, other: Training, step: int) -> tuple[Seen, ...]:
    """Returns how each stage compares at a step, or at the last step before that both have."""
    found: dict[Stage, Seen] = {}
    for stage, signal, place, a, b, alike in _pairs(one, other):
        values = dict(b)
        steps = [s for s in a.steps if s <= step and s in values]
        if not steps:
            continue
        last = steps[-1]
        value = dict(a)[last]
        seen = Seen(stage, signal, place, last, alike(value, values[last]), value, values[last])
        known = found.get(stage)
        # what differs tells more than what is alike, and the latest more than what was before
        if known is None or (seen.step, not seen.alike) > (known.step, not known.alike):
            found[stage] = seen
    return tuple(found[stage] for stage in sorted(found))


def _batches(one: Training, other: Training) -> tuple[int, int]:
    """Returns at how many steps the batches of both were measured, and were alike."""
    looked: dict[int, bool] = {}
    for stage, _, _, a, b, alike in _pairs(one, other):
        if stage is Stage.BATCH:
            values = dict(b)
            for step, value in a:
                if step in values:
                    looked[step] = looked.get(step, True) and alike(value, values[step])
    return len(looked), sum(looked.values())


_Pair = tuple[Stage, str, str, Series, Series, Alike]


def _pairs(one: Training, other: Training) -> Iterator[_Pair]:
    """Yields each series that both have, with its stage, and what compares its values."""
    prints = compared(one, other, "weight_fingerprint")
    if prints:
        for place in _places(one, other, "weight_fingerprint"):
            yield (Stage.WEIGHTS, "weight_fingerprint", place,
                   one.series("weight_fingerprint", place),
                   other.series("weight_fingerprint", place), exactly)  # fmt: skip
    for place in _places(one, other, "input_mean"):
        yield (Stage.BATCH, "input_mean", place, one.series("input_mean", place),
               other.series("input_mean", place), _like_means(one, place))  # fmt: skip
    for place in _places(one, other, "input_fingerprint"):
        if not one.series("input_mean", place):  # whole numbers: their sum is exact
            yield (Stage.BATCH, "input_fingerprint", place, one.series("input_fingerprint", place),
                   other.series("input_fingerprint", place), exactly)  # fmt: skip
    for stage, signals, alike in STAGES:
        if stage is Stage.WEIGHTS and prints:
            continue  # the fingerprint is exact
        for signal in signals:
            for place in _places(one, other, signal):
                yield (
                    stage,
                    signal,
                    place,
                    one.series(signal, place),
                    other.series(signal, place),
                    alike,
                )
    known = to_digits(digits(one, other))
    yield Stage.LOSS, "loss", "", one.series("loss"), other.series("loss"), known
    for place in _places(one, other, "learning_rate"):
        a, b = one.series("learning_rate", place), other.series("learning_rate", place)
        steps = sorted({*a.steps, *b.steps})
        if steps:
            yield (Stage.RATE, "learning_rate", place, _held(a, steps), _held(b, steps),
                   exactly)  # fmt: skip


def _places(one: Training, other: Training, signal: str) -> list[str]:
    """Returns where both have a signal; the whole alone where both have it for all together."""
    known = set(other.places(signal))
    both = [place for place in one.places(signal) if place in known]
    return [""] if "" in both and signal == "grad_norm" else both


def _like_means(one: Training, place: str) -> Alike:
    """Returns what compares means of batches: by their distance in deviations.

    The means of two batches of n numbers lie some sqrt(2 / n) deviations apart: 1e-4 for 200
    million of them.
    """
    spread = one.series("input_std", place)
    scale = max((v for v in spread.values if math.isfinite(v)), default=0.0)

    def alike(a: float, b: float) -> bool:
        return exactly(a, b) or abs(a - b) <= ROUGH * max(scale, abs(a) * ROUGH)

    return alike


def _held(series: Series, steps: list[int]) -> Series:
    """Returns a series that is written when it changes, at each of some steps."""
    known, found, at, value = list(series), Series(), 0, math.nan
    for step in steps:
        while at < len(known) and known[at][0] <= step:
            value = known[at][1]
            at += 1
        found.append(step, value)
    return found


def _first_other(one: Training, other: Training, step: int) -> str:
    """Returns the first parameter whose weights differ at a step; "" if none is known."""
    for signal, alike in (("weight_fingerprint", exactly), ("weight_norm", roughly)):
        for place in _places(one, other, signal):
            a, b = dict(one.series(signal, place)), dict(other.series(signal, place))
            if place and step in a and step in b and not alike(a[step], b[step]):
                return place
    return ""
