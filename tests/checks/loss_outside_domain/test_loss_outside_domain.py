"""Unit tests of `loss-outside-domain`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.loss.loss_outside_domain import LossOutsideDomain
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = LossOutsideDomain()
LINE = Site("train.py", 31, "<module>")
PLACE = "binary_cross_entropy_with_logits (train.py:31)"


def given(made_by: str, **more: Any) -> Event[Any]:
    facts = {"fn": "binary_cross_entropy_with_logits", "place": PLACE, "argument": "input",
             "made_by": made_by, "over": None, "size": None, "shape": [32, 4], "setting": None,
             **more}  # fmt: skip
    return Event("loss_given", 0, facts, LINE)


def found(*events: Event[Any], **signals: Any) -> list[Any]:
    return list(CHECK.review(make_run(events=events, **signals)))


SLACK = CHECK.limit("targets")


def call(fn: str, **more: Any) -> Event[Any]:
    facts = {"fn": fn, "place": PLACE, "reduction": "mean", "weighted": False, **more}
    return Event("loss_call", 0, facts, LINE)


@pytest.mark.parametrize(
    ("signal", "value", "count"),
    [
        ("target_min", -1.0, 1),
        ("target_min", -SLACK, 0),
        ("target_min", -SLACK - 0.01, 1),
        ("target_max", 1 + SLACK, 0),
        ("target_max", 1 + SLACK + 0.01, 1),
        ("target_max", 255.0, 1),
        ("target_max", math.nan, 0),
    ],
)
def test_binary_targets(signal: str, value: float, count: int) -> None:
    fn = "binary_cross_entropy_with_logits"
    assert len(found(given("linear"), call(fn), **{signal: {PLACE: [0.5, value]}})) == count


@pytest.mark.parametrize("masked", [{"reduction": "none"}, {"weighted": True}])
def test_what_a_mask_may_take_out_is_silent(masked: dict[str, Any]) -> None:
    event = call("binary_cross_entropy_with_logits", **masked)
    assert found(given("linear"), event, target_min={PLACE: [-1.0]}) == []


@pytest.mark.parametrize(
    ("fn", "made_by", "setting", "signal", "value", "count"),
    [
        ("nll_loss", "linear", None, "loss_input_max", 0.1, 1),
        ("nll_loss", "linear", None, "loss_input_max", 0.0, 0),
        ("nll_loss", "Sub", None, "loss_input_max", 3.0, 0),  # a log density
        ("nll_loss", "product", None, "loss_input_max", 3.0, 1),  # neighbours @ linear(x)
        ("ctc_loss", "linear", False, "loss_input_max", 3.0, 1),
        ("kl_div", "log_softmax", False, "target_min", -2.0, 1),
        ("kl_div", "log_softmax", True, "target_min", -2.0, 0),
        ("poisson_nll_loss", "exp", True, "loss_input_min", 0.1, 1),
        ("poisson_nll_loss", "exp", False, "loss_input_min", 0.1, 0),
        ("poisson_nll_loss", "linear", True, "loss_input_min", 0.1, 0),
        ("poisson_nll_loss", "linear", False, "loss_input_min", -0.1, 1),
        ("poisson_nll_loss", "linear", True, "loss_input_min", -0.1, 0),
        ("poisson_nll_loss", "linear", True, "target_min", -1.0, 1),
        ("cross_entropy", "linear", None, "target_min", -1.0, 1),
        ("mse_loss", "linear", None, "target_min", -1.0, 0),
    ],
)
def test_the_table(
    fn: str, made_by: str, setting: bool | None, signal: str, value: float, count: int
) -> None:
    event = given(made_by, fn=fn, setting=setting)
    assert len(found(event, **{signal: {PLACE: [value] * 2}})) == count


def test_a_rate_must_be_one_at_every_call() -> None:
    event = given("softplus", fn="poisson_nll_loss", setting=True)
    assert "the output of softplus" in found(event, loss_input_min={PLACE: [0.1, 0.2]})[0].summary
    mixed = [event, given("linear", fn="poisson_nll_loss", setting=True)]
    assert found(*mixed, loss_input_min={PLACE: [0.1, 0.2]}) == []


@pytest.mark.parametrize(("values", "count"), [([-0.1, -2.0], 1), ([-0.1, 0.2], 0), ([], 0)])
def test_negative_probabilities(values: list[float], count: int) -> None:
    event = given("log_softmax", fn="Categorical", argument="probs")
    assert len(found(event, loss_input_max={PLACE: values})) == count


@pytest.mark.parametrize(
    ("made_by", "most", "count"),
    [("cosine", 1.0, 1), ("cosine", 1.01, 0), ("product", 1.0, 0), ("Mul", 1.0, 0)],
)
def test_bare_cosines(made_by: str, most: float, count: int) -> None:
    event = given(made_by, fn="cross_entropy", shape=[32, 10])
    says = found(event, loss_input_max={PLACE: [most] * 2})
    assert len(says) == count
    assert all("0.80 for 10 classes" in finding.summary for finding in says)
