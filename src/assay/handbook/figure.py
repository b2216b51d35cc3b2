"""Draws the figure of an experiment as SVG: panels of curves or bars, for light and dark."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

from .page import LANGUAGES, Curve, Measured, Page, Plot

_WIDTH, _LEFT, _RIGHT = 520, 58, 14
_HEIGHT = 170
"""Of the area in which curves are drawn, in the units of the drawing."""
_TITLE, _LEGEND, _BELOW, _BAR = 24, 18, 46, 34

_LIGHT = ("#0b62a4", "#c2410c", "#0a7f5a", "#9a3f85", "#7a6400", "#4b5563")
_DARK = ("#6db3f2", "#ff9d5c", "#4fd1a5", "#e08fce", "#e3c84a", "#b6bfca")
_DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 2", "1 2")
"""Curves differ in dashes as well as in colour, for readers who do not see the colour."""


def draw(page: Page, measured: Measured, language: str) -> str:
    """Returns the figure of a page as SVG.

    Args:
        page: Says which panels there are.
        measured: What is drawn in them.
        language: One of `LANGUAGES`.
    """
    place = LANGUAGES.index(language)
    parts: list[str] = []
    top = 10.0
    for number, plot in enumerate(page.plots):
        make = _bars if plot.bars else _curves
        drawn, height = make(plot, measured, place, top, number)
        parts += drawn
        top += height
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top:.0f}" '
        f'width="{_WIDTH}" height="{top:.0f}" role="img">'
    )
    title = f"<title>{escape(page.question[place], quote=False)}</title>"
    ground = f'<rect class="ground" width="{_WIDTH}" height="{top:.0f}"/>'
    return "\n".join([head, title, _style(), ground, *parts, "</svg>"]) + "\n"


def _style() -> str:
    def colours(palette: Sequence[str], ink: str, faint: str, ground: str) -> str:
        rules = [f".c{k}{{stroke:{c}}}.f{k}{{fill:{c}}}" for k, c in enumerate(palette)]
        rules += [f"text{{fill:{ink}}}.grid{{stroke:{faint}}}.ground{{fill:{ground}}}"]
        return "".join(rules)

    fonts = "system-ui,sans-serif,'Noto Sans CJK SC','Microsoft YaHei','PingFang SC'"
    shared = f"text{{font:13px {fonts}}}.t{{font-weight:600;font-size:14px}}path{{fill:none;"
    shared += "stroke-width:2;stroke-linejoin:round}.grid{stroke-width:1}"
    light = colours(_LIGHT, "#1f2328", "#d8dee4", "#ffffff")
    dark = colours(_DARK, "#e6edf3", "#3d444d", "#14181d")
    return f"<style>{shared}{light}@media(prefers-color-scheme:dark){{{dark}}}</style>"


def _text(x: float, y: float, said: str, *, anchor: str = "start", kind: str = "") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{escape(said, quote=False)}</text>'


def _across(said: str) -> float:
    """Returns about how wide a text is: Chinese characters are twice as wide as letters."""
    return sum(13.0 if ord(sign) > 0x2E7F else 7.0 for sign in said)


# --- curves -----------------------------------------------------------------------------------


def _curves(
    plot: Plot, measured: Measured, place: int, top: float, number: int
) -> tuple[list[str], float]:
    """Draws a panel of curves from `top` on.

    Returns:
        Its elements and its height.
    """
    curves = [measured.curves[key] for key in plot.of]
    parts = [_text(10, top + 14, plot.title[place], kind="t")]
    below = top + _TITLE
    legend, rows = _legend([text[place] for text in plot.of.values()], below)
    parts += legend
    below += rows * _LEGEND + 6
    points = [p for curve in curves for p in curve if math.isfinite(p[1])]
    to_x = _scale([x for x, _ in points], (_LEFT, _WIDTH - _RIGHT), logarithmic="x" in plot.log)
    ys = list(plot.within) if plot.within else [y for _, y in points]
    to_y = _scale(ys, (below + _HEIGHT, below), logarithmic="y" in plot.log)
    for value, said in _ticks([x for x, _ in points], logarithmic="x" in plot.log):
        x = to_x(value)
        parts.append(f'<path class="grid" d="M{x:.1f} {below:.1f}V{below + _HEIGHT:.1f}"/>')
        anchor = "end" if x > _WIDTH - 2 * _RIGHT else "middle"
        parts.append(_text(x, below + _HEIGHT + 16, said, anchor=anchor))
    for value, said in _ticks(ys, logarithmic="y" in plot.log):
        y = to_y(value)
        parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>')
        parts.append(_text(_LEFT - 6, y + 4, said, anchor="end"))
    cut = f"cut{number}"
    parts.append(
        f'<clipPath id="{cut}"><rect x="{_LEFT}" y="{below - 2:.1f}" '
        f'width="{_WIDTH - _LEFT - _RIGHT}" height="{_HEIGHT + 4}"/></clipPath>'
    )
    parts.append(f'<g clip-path="url(#{cut})">')
    for index, curve in enumerate(curves):
        parts += _line(curve, to_x, to_y, index, positive="y" in plot.log)
    parts.append("</g>")
    parts.append(_text(_WIDTH - _RIGHT, below + _HEIGHT + 33, plot.x[place], anchor="end"))
    if plot.y[place]:
        parts.append(_text(10, below + _HEIGHT + 33, f"↑ {plot.y[place]}"))
    return parts, below + _HEIGHT + _BELOW - top


def _legend(names: Sequence[str], top: float) -> tuple[list[str], int]:
    """Draws what the lines are called.

    Returns:
        The elements, and how many rows they take.
    """
    parts, x, row = [], 10.0, 0
    for index, name in enumerate(names):
        needed = 30 + _across(name) + 14
        if x > 10 and x + needed > _WIDTH:
            x, row = 10.0, row + 1
        y = top + row * _LEGEND + 10
        dash = f' stroke-dasharray="{_DASHES[index % 6]}"' if _DASHES[index % 6] else ""
        parts.append(f'<path class="c{index % 6}"{dash} d="M{x:.1f} {y - 4:.1f}h24"/>')
        parts.append(_text(x + 30, y, name))
        x += needed
    return parts, row + 1


def _line(
    curve: Curve,
    to_x: Callable[[float], float],
    to_y: Callable[[float], float],
    index: int,
    *,
    positive: bool,
) -> list[str]:
    """Draws one curve; a cross stands where it stops to be finite."""
    path, crosses, pen = [], [], "M"
    for here, (x, y) in enumerate(curve):
        if not math.isfinite(y):
            if here and pen == "L":
                cx, cy = to_x(curve[here - 1][0]), to_y(curve[here - 1][1])
                crosses.append(f"M{cx - 5:.1f} {cy - 5:.1f}l10 10m0 -10l-10 10")
            pen = "M"
            continue
        if positive and y <= 0:
            pen = "M"
            continue
        path.append(f"{pen}{to_x(x):.1f} {to_y(y):.1f}")
        pen = "L"
    dash = f' stroke-dasharray="{_DASHES[index % 6]}"' if _DASHES[index % 6] else ""
    drawn = [f'<path class="c{index % 6}"{dash} d="{"".join(path)}"/>']
    return drawn + [f'<path class="c{index % 6}" d="{"".join(crosses)}"/>'] * bool(crosses)


# --- bars -------------------------------------------------------------------------------------


def _bars(
    plot: Plot, measured: Measured, place: int, top: float, number: int
) -> tuple[list[str], float]:
    """Draws a panel of bars, one below the other, each with its number.

    Returns:
        Its elements and its height.
    """
    numbers = [measured.numbers[key] for key in plot.of]
    finite = [n for n in numbers if math.isfinite(n) and (n > 0 or not plot.log)] or [1.0]
    low = min(finite) / 10 if plot.log else min(0.0, *finite)
    span = [low, max(finite) if max(finite) > low else low + 1]
    to_x = _scale(span, (10, _WIDTH - 96), logarithmic=bool(plot.log))
    parts = [_text(10, top + 14, plot.title[place], kind="t")]
    below = top + _TITLE
    for index, (said, value) in enumerate(zip(plot.of.values(), numbers, strict=True)):
        y = below + index * _BAR
        parts.append(_text(10, y + 11, said[place]))
        zero = to_x(low if plot.log else 0.0)
        shown = value if math.isfinite(value) and (value > 0 or not plot.log) else None
        end = zero if shown is None else to_x(shown)
        left, wide = min(zero, end), max(abs(end - zero), 1.5)
        parts.append(
            f'<rect class="f{number % 6}" x="{left:.1f}" y="{y + 16:.1f}" '
            f'width="{wide:.1f}" height="11"/>'
        )
        parts.append(_text(max(left + wide, zero) + 6, y + 26, _number(value)))
    end = below + len(numbers) * _BAR
    parts.append(_text(_WIDTH - _RIGHT, end + 14, plot.x[place], anchor="end"))
    return parts, end + 30 - top


def _number(value: float) -> str:
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.3g}"


# --- scales -----------------------------------------------------------------------------------


def _scale(
    values: Sequence[float], onto: tuple[float, float], *, logarithmic: bool
) -> Callable[[float], float]:
    """Returns what maps values onto a stretch of the drawing."""
    low, high = _range(values, logarithmic=logarithmic)

    def to(value: float) -> float:
        if logarithmic:
            value = math.log10(max(value, 1e-300))
        return onto[0] + (onto[1] - onto[0]) * (value - low) / (high - low)

    return to


def _range(values: Sequence[float], *, logarithmic: bool) -> tuple[float, float]:
    """Returns where an axis begins and ends, in powers of ten if it is logarithmic."""
    if logarithmic:
        values = [math.log10(value) for value in values if value > 0]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _ticks(values: Sequence[float], *, logarithmic: bool) -> list[tuple[float, str]]:
    """Returns round values within a range, and how they are written."""
    low, high = _range(values, logarithmic=logarithmic)
    if logarithmic and 1 <= high - low < 2.5:
        round_ones = [
            f * 10.0**k for k in range(math.floor(low), math.ceil(high) + 1) for f in (1, 2, 5)
        ]
        return [
            (n, f"{n:g}") for n in round_ones if 10**low <= n * 1.0001 and n <= 10**high * 1.0001
        ]
    if logarithmic and high - low >= 1:
        step = max(1, math.ceil((high - low) / 6))
        first = math.ceil(low / step - 1e-9) * step
        return [(10.0**k, _power(k)) for k in range(first, math.floor(high + 1e-9) + 1, step)]
    if logarithmic:
        low, high = 10**low, 10**high
    rough = (high - low) / 4
    unit = 10 ** math.floor(math.log10(rough))
    step = next(unit * k for k in (1, 2, 5, 10) if unit * k >= rough - 1e-12 * unit)
    first = math.ceil(low / step - 1e-9)
    return [(k * step, f"{k * step:.6g}") for k in range(first, math.floor(high / step + 1e-9) + 1)]


def _power(exponent: int) -> str:
    if -2 <= exponent <= 3:
        return f"{10.0**exponent:g}"
    return "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
