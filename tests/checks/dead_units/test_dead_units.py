"""The check `dead-units` at its limits, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.model.dead_units import DeadUnits
from assay.journal.view import Event, RunView, Site
from assay.testing import make_run, only_finding

NAN = math.nan


LINE = Site("train.py", 31, "forward")


def dead(values, place="1", events=()) -> RunView:
    return make_run(events=events, dead_unit_share={place: dict(enumerate(values, 15))})


def test_a_whole_dead_layer_is_an_error() -> None:
    finding = only_finding(DeadUnits(), dead([0.5, 1.0]))
    assert (finding.severity, finding.tier) == ("error", "exact")
    assert finding.where.module == "1"
    assert finding.steps == (16, 16)


def test_nearly_all_is_a_warning() -> None:
    finding = only_finding(DeadUnits(), dead([0.9]))
    assert (finding.severity, finding.tier) == ("warning", "heuristic")
    assert finding.evidence[0].limit == 0.9


@pytest.mark.parametrize("values", [[0.899], [1.0, 0.3], [0.0], [NAN], []])
def test_living_layers_are_silent(values) -> None:
    assert list(DeadUnits().review(dead(values))) == []


def test_a_functional_relu_is_named_with_its_line() -> None:
    place = "relu (train.py:31)"
    kind = Event("activation_kind", 0, {"place": place, "of": "relu"}, LINE)
    assert only_finding(DeadUnits(), dead([1.0], place, [kind])).where.site == LINE


def test_several_dead_layers_are_one_finding() -> None:
    run = make_run(dead_unit_share={"1": {20: 1.0}, "3": {20: 1.0}, "5": {20: 0.95}})
    finding = only_finding(DeadUnits(), run)
    assert finding.details["layers"] == ["1", "3"]
