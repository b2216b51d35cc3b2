"""The check `saturated-activation` at its limits, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.model.saturated_activation import SaturatedActivation
from assay.journal.view import RunView
from assay.testing import make_run, only_finding

NAN = math.nan


def saturated(values, place="1") -> RunView:
    return make_run(activation_saturated_share={place: list(values)})


def test_saturation_at_the_limit_is_found() -> None:
    finding = only_finding(SaturatedActivation(), saturated([0.7] * 8))
    assert finding.severity == "warning"
    assert "70% of the outputs of 1" in finding.summary


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([0.699] * 8, id="just under"),
        pytest.param([0.99] * 7, id="too few samples"),
        pytest.param([0.1] * 10 + [0.99] * 9, id="driven there late"),
        pytest.param([NAN] * 20, id="not a number"),
        pytest.param([0.99], id="one sample"),
    ],
)
def test_unsaturated_layers_are_silent(values) -> None:
    assert list(SaturatedActivation().review(saturated(values))) == []


def test_the_worst_layer_leads() -> None:
    run = make_run(activation_saturated_share={"1": [0.8] * 9, "3": [0.95] * 9, "5": [0.1] * 9})
    finding = only_finding(SaturatedActivation(), run)
    assert finding.where.module == "3"
    assert finding.details["layers"] == ["1", "3"]
