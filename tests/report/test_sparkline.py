"""A series in one row of characters."""

import math

import pytest

from assay.journal.series import Series
from assay.report.sparkline import sparkline


def row(values: list[float], width: int = 24) -> str:
    return sparkline(Series(enumerate(values)), width)


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([], ""),
        ([1.0], ""),
        ([0.0, 1.0], "▁█"),
        ([1.0, 0.0], "█▁"),
        ([2.0, 2.0, 2.0], "▄▄▄"),
        ([0.0, math.nan, 1.0], "▁!█"),
        ([1.0, math.inf], "▄!"),
        ([math.nan, math.nan], ""),
        ([1.0, 10.0, 100.0, 1000.0], "▁▃▆█"),  # on a logarithmic scale
        ([-1e308, 1e308], "▄▄"),  # their distance is no number
    ],
)
def test_drawing(values: list[float], drawn: str) -> None:
    assert row(values) == drawn


def test_a_long_series_keeps_its_length_and_its_blow_up() -> None:
    values = [1.0] * 1000
    values[500] = math.inf
    drawn = row(values, 20)
    assert len(drawn) == 20
    assert drawn.count("!") == 1


def test_plain() -> None:
    assert sparkline(Series(enumerate([0.0, 1.0])), plain=True) == "_#"
