"""Formats of numbers, against torch's own account of them, and against what torch stores."""

from __future__ import annotations

import math

import pytest
import torch

from assay.signals.formats import FORMATS, GUARDS, by_dtype, named

STORED = [each for each in FORMATS.values() if each.dtype]


@pytest.mark.parametrize("known", STORED, ids=lambda known: known.name)
def test_ranges_are_those_that_torch_tells(known) -> None:
    info = torch.finfo(getattr(torch, known.dtype))
    assert known.largest == info.max
    assert known.eps == info.eps
    assert known.smallest_normal == info.smallest_normal
    assert known.bits == info.bits


@pytest.mark.parametrize("known", STORED, ids=lambda known: known.name)
def test_numbers_are_rounded_as_torch_rounds_them(known) -> None:
    dtype = getattr(torch, known.dtype)
    values = [*GUARDS, 1.0, -1 / 3, 3.1415926, 0.0146, 1e-3, 447.9, 65519.0, known.largest]
    values += [known.smallest_subnormal, known.smallest_subnormal * 0.75, known.smallest_normal / 3]
    for value in values:
        wide = torch.tensor(value, dtype=torch.float64)
        if known.name.startswith("fp8") and abs(value) > known.largest:
            continue  # torch has kinds of devices that saturate
        assert known.rounded(value) == float(wide.to(dtype)), value
    assert float(torch.tensor(known.smallest_subnormal, dtype=torch.float64).to(dtype)) > 0
    assert float(torch.tensor(known.smallest_subnormal / 2, dtype=torch.float64).to(dtype)) == 0


@pytest.mark.parametrize("name", ["fp64", "fp32", "fp16", "bf16"])
def test_exp_overflows_and_vanishes_where_it_says(name: str) -> None:
    known = FORMATS[name]
    dtype = getattr(torch, known.dtype)

    def exp(x: float) -> float:
        exact = torch.tensor(x, dtype=torch.float64).exp() if name != "fp64" else None
        return float(torch.tensor(x, dtype=dtype).exp() if exact is None else exact.to(dtype))

    assert math.isfinite(exp(known.exp_overflows - 0.01))
    assert math.isinf(exp(known.exp_overflows + 0.01))
    assert exp(known.exp_vanishes + 0.01) > 0
    assert exp(known.exp_vanishes - 0.01) == 0


def test_what_everybody_knows_by_heart() -> None:
    half, single = FORMATS["fp16"], FORMATS["fp32"]
    assert half.largest == 65504
    assert (round(half.exp_overflows, 2), round(single.exp_overflows, 1)) == (11.09, 88.7)
    assert half.rounded(1e-8) == 0
    assert half.log_of(1e-8) == -math.inf
    assert half.rounded(70000.0) == math.inf
    assert math.isnan(FORMATS["fp8-e4m3fn"].rounded(500.0))
    assert FORMATS["tf32"].eps == 2**-10
    assert FORMATS["tf32"].smallest_normal == single.smallest_normal


@pytest.mark.parametrize("word", ["", "torch.", "fp7"])
def test_what_is_no_format(word: str) -> None:
    with pytest.raises(KeyError):
        named(word)


def test_words_for_formats() -> None:
    assert named("torch.half") == named("float16") == named("FP16") == (FORMATS["fp16"],)
    assert [each.name for each in named("fp8")] == ["fp8-e4m3fn", "fp8-e5m2"]
    assert by_dtype("bfloat16") is FORMATS["bf16"]
    assert by_dtype("int64") is by_dtype(None) is None
    with pytest.raises(KeyError):
        named("fp9")
