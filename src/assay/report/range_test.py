"""A range test in a terminal: the rate to take, the curve with its marks, and what to do next."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TextIO

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ..signals.sweep import Curve
from ..trials.range_test import RangeTest, rounded
from ..trials.sweeping import Working
from .console import WIDEST, drawn, print_to
from .curves import draw
from .ending import counted
from .glyphs import ASCII, UNICODE, Glyphs
from .waiting import waiting as waiting_for

NARROWEST = 50
SHOWN_FILES = 4
ABOUT = 1.5
"""Two rates that differ by less than this factor are about the same."""
SHOWN_ABOVE = 1.3
"""The curve is cut off at so many times its beginning: an explosion would flatten all before it."""


def show_range_test(test: RangeTest, file: TextIO | None = None) -> None:
    """Prints a range test.

    Args:
        test: What to print; it has a curve.
        file: Where to; standard error if not given.
    """
    print_to(file, partial(render_range_test, test))


def render_range_test(
    test: RangeTest, *, width: int = WIDEST, colour: str | None = None, glyphs: Glyphs = UNICODE
) -> str:
    """Returns the same as text, `width` columns wide; `colour` is one of rich's systems."""
    width = max(width, NARROWEST)
    title = f"{glyphs.line * 2} assay lr "
    parts: list[RenderableType] = [
        Text("\n" + title + glyphs.line * (width - len(title)) + "\n", "dim")
    ]
    if math.isfinite(test.suggestion):
        parts += [_headline(test, glyphs), ""]
    if test.curve is not None:
        parts += [*_picture(test, test.curve, min(width - 24, 72), glyphs), ""]
    parts += [_rows(test), Text(_cost(test, glyphs), "dim")]
    return drawn(parts, width=width, colour=colour)


def _headline(test: RangeTest, glyphs: Glyphs) -> Text:
    line = Text(f"{glyphs.arrow} ", "bold green")
    if test.several > 1 and test.own > 0:
        line.append(f"{rounded(test.suggestion / test.own)} times the script's own rates", "bold")
        return line
    line.append(f"a learning rate of about {rounded(test.suggestion)}", "bold")
    if test.own > 0:
        factor = test.suggestion / test.own
        line.append(f"   the script's own is {test.own:.3g}: {_compared(factor)}", "dim")
    return line


def _compared(factor: float) -> str:
    if 1 / ABOUT < factor < ABOUT:
        return "about right"
    times = factor if factor > 1 else 1 / factor
    number = rounded(times) if times < 100 else f"{round(times, -1):.0f}"
    return f"{number} times as {'high' if factor > 1 else 'low'}"


def _picture(test: RangeTest, found: Curve, width: int, glyphs: Glyphs) -> Iterator[Text]:
    """Draws the smooth curve over the measured losses, the rates below, and marks."""
    begin, end = math.log10(found.rates[0]), math.log10(found.rates[-1])
    span = max(end - begin, 1e-9)
    top = max(*found.losses[:5], *found.smooth[:5])
    top += (SHOWN_ABOVE - 1) * abs(top)

    def points(losses: tuple[float, ...]) -> list[tuple[int, float]]:
        return [
            (round(1000 * (math.log10(r) - begin) / span), min(y, top))
            for r, y in zip(found.rates, losses, strict=True)
        ]

    plain = glyphs is ASCII
    lines = draw([points(found.losses)], [points(found.smooth)], width=width, height=9, plain=plain)
    yield from lines[:-1]

    def column(rate: float) -> int:
        return round((math.log10(rate) - begin) / span * (width - 1))

    marks = [(found.steepest, "s"), (found.lowest, "l"), (test.by_sharpness, "h"),
             (test.suggestion, "^")]  # fmt: skip
    row = [" "] * width
    for rate, sign in marks:
        if math.isfinite(rate) and begin <= math.log10(rate) <= end:
            row[column(rate)] = sign
    digits = _digits(lines)
    yield Text(" " * digits + "".join(row).rstrip(), "bold")
    axis = [" "] * (width + 8)
    for power in range(math.ceil(begin - 1e-9), math.floor(end + 1e-9) + 1):
        label = f"1e{power}" if not -3 <= power <= 1 else f"{10.0**power:g}"
        at = column(10.0**power)
        if all(c == " " for c in axis[max(at - 1, 0) : at + len(label) + 1]):
            axis[at : at + len(label)] = label
    yield Text(" " * digits + "".join(axis).rstrip() + "  rate", "dim")


def _digits(lines: list[Text]) -> int:
    """Returns the width of the scale at the left: a drawing's last line is `step` after it."""
    return lines[-1].plain.index("step") if lines else 0


def _rows(test: RangeTest) -> Table:
    rows = Table.grid(padding=(0, 2, 0, 0))
    rows.add_column(style="dim", width=12, no_wrap=True)
    rows.add_column(overflow="fold")
    found = test.curve
    if test.trouble:
        rows.add_row("nothing", Text(test.trouble, "yellow"))
    if found is not None and math.isfinite(test.by_curve):
        rows.add_row("by curve", Text(
            f"{rounded(test.by_curve)}: between the steepest fall per log rate (s, "
            f"{rounded(found.steepest)}) and the lowest loss (l, {rounded(found.lowest)})"
        ))  # fmt: skip
    if test.sharpness is not None:
        value, step = test.sharpness
        rows.add_row("by sharpness", Text(
            f"{rounded(test.by_sharpness)} (h): the longest step without momentum that a sharpness "
            f"of {value:.3g} bears, measured at step {step}"
        ))  # fmt: skip
    elif test.no_sharpness and not test.trouble:
        rows.add_row("by sharpness", Text(f"unknown: {test.no_sharpness}", "dim"))
    for what, names, style in (
        ("put back", test.files.restored, ""),
        ("new files", test.files.made, ""),
        ("changed", test.files.lost, "yellow"),
    ):
        if names:
            rows.add_row(what, Text(_names(names), style))
    for caution in test.cautions:
        rows.add_row("caution", Text(caution, "yellow"))
    if math.isfinite(test.suggestion):
        with_ = "+".join([*test.tricks, test.trick])
        rows.add_row("prove it", Text(f"assay try --with {with_} {_words(test)}", "green"))
        each = " ".join(f"--with {trick}" for trick in (*test.tricks, test.trick))
        rows.add_row("use it", Text(f"assay run {each} {_words(test)}"))
    return rows


def _names(paths: list[str]) -> str:
    shown = ", ".join(_short(Path(path)) for path in paths[:SHOWN_FILES])
    more = len(paths) - SHOWN_FILES
    return shown + (f" and {more} more" if more > 0 else "")


def _words(test: RangeTest) -> str:
    return shlex.join(test.command)


def _cost(test: RangeTest, glyphs: Glyphs) -> str:
    ended = f": {test.stopped}" if test.stopped else ""
    span = f"{test.low:.2g} to {test.high:.2g}"
    return (
        f"{counted(test.steps, 'step')} of {test.optimizer}, rates {span}, in "
        f"{test.seconds:.1f} s{ended} {glyphs.dot} {_short(test.folder)}"
    )


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


@contextmanager
def waiting(file: TextIO | None = None) -> Iterator[Working]:
    """Tells how long a sweep has been running, once it takes longer than a person waits."""
    with waiting_for("sweeping the rate", file) as shown:
        yield lambda child, steps: shown(child, f" over its {steps} steps" if steps else "")
