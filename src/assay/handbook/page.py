"""What an experiment says of itself in two languages, and what it measures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

Text = tuple[str, str]
"""The same in English and in Chinese, in the order of `LANGUAGES`."""
LANGUAGES = ("en", "zh")

Curve = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Plot:
    """One panel of a figure.

    Attributes:
        title: Stands above.
        of: What is drawn, by its key in what was measured: curves, or numbers if `bars`.
        x, y: What the axes are; of bars, `x` says what their length is.
        log: The axes that are logarithmic: "", "x", "y" or "xy".
        bars: Draw one bar for each number instead of curves.
        within: The range of the vertical axis; that of the values if not given.
    """

    title: Text
    of: Mapping[str, Text]
    x: Text
    y: Text = ("", "")
    log: str = ""
    bars: bool = False
    within: tuple[float, float] | None = None


@dataclass(frozen=True)
class Page:
    """An experiment of the handbook, as it is told.

    Attributes:
        question: What is asked, as a heading.
        shows: What the experiment shows, a line each; `{name:.2f}` is a number that it measured.
        plots: The panels of its figure, from top to bottom.
        checks: The checks that look at this.
        tricks: The tricks that act here.
    """

    question: Text
    shows: tuple[Text, ...]
    plots: tuple[Plot, ...]
    checks: tuple[str, ...] = ()
    tricks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measured:
    """What an experiment has measured.

    Attributes:
        numbers: By name, as `Page.shows` and bars name them; they may be NaN or infinite.
        curves: By name, as `Plot.of` names them: points (x, y), of which y may be NaN.
    """

    numbers: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, Curve] = field(default_factory=dict)


def by_step(values: Iterable[float], first: float = 0) -> list[tuple[float, float]]:
    """Returns a curve through values that follow each other, the first at `first`."""
    return [(first + step, float(value)) for step, value in enumerate(values)]


def told(page: Page, measured: Measured, language: str) -> list[str]:
    """Returns the lines of a page with the measured numbers in their places."""
    place = LANGUAGES.index(language)
    return [line[place].format_map(measured.numbers) for line in page.shows]
