"""The drawing of figures: what is in them, and where."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest

from assay.handbook.figure import draw
from assay.handbook.page import Measured, Page, Plot, told

CURVES = Plot(("Loss & more", "损失"), {"a": ("one", "一"), "b": ("two", "二")}, x=("step", "步"))
BARS = Plot(("Sizes", "大小"), {"n": ("n", "数")}, x=("units", "单位"), bars=True)
PAGE = Page(("Why?", "为什么?"), (("{n:.1f} of them", "有 {n:.1f} 个"),), (CURVES, BARS))
MEASURED = Measured(
    {"n": 2.0}, {"a": [(0, 1.0), (1, 2.0), (2, math.nan)], "b": [(0, 0.5), (2, 3.0)]}
)


def elements(drawn: str, tag: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(drawn).iter(f"{{http://www.w3.org/2000/svg}}{tag}"))


@pytest.mark.parametrize(("language", "place"), [("en", 0), ("zh", 1)])
def test_a_figure_is_told_in_its_language(language: str, place: int) -> None:
    said = {each.text for each in elements(draw(PAGE, MEASURED, language), "text")}
    assert {CURVES.title[place], BARS.title[place], CURVES.x[place], BARS.x[place]} <= said
    assert {"one" if place == 0 else "一", "n" if place == 0 else "数", "2"} <= said
    assert told(PAGE, MEASURED, language) == [("2.0 of them", "有 2.0 个")[place]]


def test_a_curve_ends_in_a_cross_where_it_stops_to_be_finite() -> None:
    paths = [each.attrib["d"] for each in elements(draw(PAGE, MEASURED, "en"), "path")]
    crosses = [path for path in paths if "l10 10" in path]
    assert len(crosses) == 1
    whole = Measured(MEASURED.numbers, {**MEASURED.curves, "a": [(0, 1.0), (2, 2.0)]})
    assert "l10 10" not in draw(PAGE, whole, "en")


def test_points_lie_in_proportion() -> None:
    plot = Plot(("t", "t"), {"a": ("a", "a")}, x=("x", "x"), log="y")
    page = Page(("q", "q"), (), (plot,))
    measured = Measured({}, {"a": [(0, 1.0), (1, 10.0), (2, 100.0), (4, 0.0)]})
    line = [e.attrib["d"] for e in elements(draw(page, measured, "en"), "path")]
    points = next(re.findall(r"([\d.]+) ([\d.]+)", d) for d in line if d.count("L") == 2)
    xs, ys = zip(*((float(x), float(y)) for x, y in points), strict=True)
    assert xs[2] - xs[1] == pytest.approx(xs[1] - xs[0], abs=0.11)
    assert ys[1] - ys[0] == pytest.approx(ys[2] - ys[1], abs=0.11)
    assert ys[0] > ys[2], "larger values stand higher"


def test_nothing_finite_is_drawn_all_the_same() -> None:
    empty = Measured({"n": math.nan}, {"a": [(0, math.nan)], "b": []})
    assert "nan" in {each.text for each in elements(draw(PAGE, empty, "en"), "text")}


def test_the_same_measurement_gives_the_same_figure() -> None:
    assert draw(PAGE, MEASURED, "zh") == draw(PAGE, MEASURED, "zh")
    assert draw(PAGE, MEASURED, "zh") != draw(PAGE, MEASURED, "en")
