"""Numbers in JSON: what is not finite is a word, and comes back."""

from __future__ import annotations

import json
import math
import struct

import pytest

from assay.journal.numbers import compact, from_json, json_safe, single, to_json

ODD = [0.0, -1.5, 1e308, 5e-324, math.inf, -math.inf]


@pytest.mark.parametrize("value", ODD)
def test_there_and_back(value: float) -> None:
    assert from_json(json.loads(json.dumps(to_json(value), allow_nan=False))) == value
    assert float(to_json(value)) == value


def test_nan_and_what_is_no_number() -> None:
    assert to_json(math.nan) == "nan"
    for text in ("nan", "seven", "", None):
        assert math.isnan(from_json(text))


def test_a_float32_comes_back_from_nine_digits() -> None:
    (value,) = struct.unpack("f", struct.pack("f", 9.2862072))
    assert single(float(f"{value:.9g}")) == value
    assert single(0.123456789) == 0.123456789
    assert single(1e300) == 1e300


def test_seven_digits() -> None:
    assert compact(1 / 3) == 0.3333333
    assert [compact(value) for value in (math.inf, -math.inf, math.nan)] == ["inf", "-inf", "nan"]


def test_whole_numbers_are_kept_to_the_last_digit() -> None:
    for value in (0.0, 3.0, -12_345_678.0, 123_456_789_012.0, 2.0**53 - 1):
        assert compact(value) == value
    assert compact(2.0**53 + 2) == 9007199000000000.0
    assert compact(12_345_678.5) == 12_345_680.0


def test_anything_can_be_written() -> None:
    value = {1: [math.nan, (1, True, None)], "s": {math.inf}, "o": json}
    safe = json_safe(value)
    assert safe == {"1": ["nan", [1, True, None]], "s": ["inf"], "o": str(json)}
    json.dumps(safe, allow_nan=False)
    assert json_safe([1 / 3], compact) == [0.3333333]
