"""Unit tests of `initial-scale`, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.model.initial_scale import InitialScale
from assay.journal.view import Event, Module, Parameter, RunView
from assay.testing import make_run, only_finding


def net(gains, spreads, *, kind="Linear", lines=()) -> RunView:
    """A run of layers of 100 inputs, whose weights are `gains` times 1 / root of 100."""
    names = [f"{index}.weight" for index in range(len(gains))]
    return make_run(
        parameters=[Parameter(name, (10, 100)) for name in names],
        modules=[Module(str(index), kind) for index in range(len(gains))],
        weight_norm={n: [g / 10 * 1000**0.5] for n, g in zip(names, gains, strict=True)},
        activation_std={str(i): [spread] for i, spread in enumerate(spreads)},
        events=[
            Event("weights_drawn", 0, {"line": ["train.py", line, "init"], "spread": spread})
            for line, spread in lines
        ],
    )


def test_weights_that_make_outputs_grow_are_found() -> None:
    finding = only_finding(InitialScale(), net([4.0, 4.0], [10.0, 40.0]))
    assert "too large" in finding.summary
    assert finding.where.parameter == "0.weight"
    assert finding.evidence[1].value == pytest.approx(4.0)


def test_weights_that_make_outputs_fade_are_found() -> None:
    spreads = [1.0, 0.3, 0.09, 0.027, 0.0081]
    finding = only_finding(
        InitialScale(), net([0.3] * 5, [s * 0.99**i for i, s in enumerate(spreads)])
    )
    assert "too small" in finding.summary


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(net([3.9, 3.9], [10.0, 40.0]), id="weights below the limit"),
        pytest.param(net([4.0, 4.0], [10.0, 39.0]), id="grown by less"),
        pytest.param(net([4.0, 4.0], [2.0, 9.0]), id="answers that spread little"),
        pytest.param(net([16.0] * 4, [16.0] * 4), id="a norm between the layers"),
        pytest.param(net([0.16] * 6, [0.16] * 6), id="residual branches"),
        pytest.param(net([0.3] * 4, [1.0, 0.3, 0.09, 0.02]), id="four layers that fade"),
        pytest.param(net([0.58] * 6, [0.3**i for i in range(6)]), id="torch's own weights"),
        pytest.param(net([16.0, 16.0], [16.0, 4000.0], kind="Embedding"), id="embeddings"),
        pytest.param(net([16.0], [16.0]), id="one layer"),
        pytest.param(net([math.nan, math.inf], [1.0, math.inf]), id="not finite"),
        pytest.param(net([4.0, 0.0], [10.0, 0.0]), id="a head of zeros"),
    ],
)
def test_other_beginnings_are_silent(run: RunView) -> None:
    assert list(InitialScale().review(run)) == []


def test_the_line_is_the_one_that_draws_weights_of_that_spread() -> None:
    lines = [(7, 0.02), (9, 0.4)]
    finding = only_finding(InitialScale(), net([4.0, 4.0], [10.0, 40.0], lines=lines))
    assert finding.where.site is not None
    assert finding.where.site.line == 9
    two = net([4.0, 4.0], [10.0, 40.0], lines=[(7, None), (9, None)])
    assert only_finding(InitialScale(), two).where.site is None


def test_one_layer_can_not_be_judged() -> None:
    assert InitialScale().why_skipped(net([16.0], [16.0])) is not None
