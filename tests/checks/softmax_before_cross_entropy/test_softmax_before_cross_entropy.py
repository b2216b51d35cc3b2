"""The check `softmax-before-cross-entropy` at its limits, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.loss.softmax_before_cross_entropy import SoftmaxBeforeCrossEntropy
from assay.journal.view import Event, RunView, Site
from assay.testing import make_run, only_finding

NAN = math.nan
LINE = Site("train.py", 31, "<module>")
CE = "cross_entropy (train.py:31)"


def given(made_by: str = "softmax", shape=(64, 4), **more) -> Event:
    facts = {
        "fn": "cross_entropy", "place": CE, "argument": "input", "made_by": made_by, "over": None,
        "size": None, "shape": list(shape), "setting": None, **more,
    }  # fmt: skip
    return Event("loss_given", 0, facts, LINE)


def squashed(values, *events: Event) -> RunView:
    return make_run(events=events or [given()], probability_dims={CE: list(values)})


def test_probabilities_at_every_call_are_found() -> None:
    finding = only_finding(SoftmaxBeforeCrossEntropy(), squashed([2.0] * 5, given(shape=(64, 10))))
    assert finding.severity == "error"
    assert finding.where.site == LINE
    assert "1.46 for 10 classes" in finding.why
    assert only_finding(SoftmaxBeforeCrossEntropy(), squashed([2.0]))
    assert only_finding(SoftmaxBeforeCrossEntropy(), squashed([1.0], given(shape=(4,))))


@pytest.mark.parametrize("values", [[], [0.0] * 5, [2.0] * 9 + [0.0], [1.0] * 5, [NAN] * 3])
def test_logits_at_any_call_are_silent(values) -> None:
    assert not list(SoftmaxBeforeCrossEntropy().review(squashed(values)))


def test_a_sigmoid_is_found_by_what_made_it() -> None:
    finding = only_finding(SoftmaxBeforeCrossEntropy(), squashed([], given("sigmoid")))
    assert "sigmoid" in finding.summary


@pytest.mark.parametrize(
    "events",
    [
        [given("linear")],
        [given("")],
        [given("log_softmax")],
        [given("sigmoid"), given("linear")],
        [given("sigmoid", fn="mse_loss")],
    ],
)
def test_other_inputs_are_silent(events: list[Event]) -> None:
    assert not list(SoftmaxBeforeCrossEntropy().review(squashed([0.0] * 3, *events)))
