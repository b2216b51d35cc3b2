"""Unit tests of `attention-over-wrong-dimension`, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.finding import Finding
from assay.checks.model.attention_over_wrong_dimension import AttentionOverWrongDimension
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = AttentionOverWrongDimension()


def found(*counts: float) -> list[Finding]:
    data = {"dim": 1, "shape": [32, 8, 8], "of": 2, "line": ["net.py", 9, "forward"]}
    run = make_run(
        events=[Event("attention_dimension", 0, data)], attention_summed_otherwise=counts
    )
    return list(CHECK.review(run))


def test_both_dimensions_are_told_with_the_line() -> None:
    (finding,) = found(1.0)
    assert finding.where.site == Site("net.py", 9, "forward")
    assert finding.summary == (
        "the softmax of 1 of the step's 2 attentions by hand goes over dimension 1 of weights of "
        "shape [32, 8, 8], and the product with values sums over another one"
    )


@pytest.mark.parametrize("counts", [(), (0.0,), (math.nan,)])
def test_without_such_an_attention_it_is_silent(counts: tuple[float, ...]) -> None:
    assert found(*counts) == []
