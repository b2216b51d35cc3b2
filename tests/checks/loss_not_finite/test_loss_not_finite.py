"""The check `loss-not-finite` at its limits, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.loss.loss_not_finite import LossNotFinite
from assay.journal.view import Event, Site
from assay.testing import make_run, only_finding

NAN = math.nan
INF = math.inf
LINE = Site("train.py", 31, "<module>")
CE = "cross_entropy (train.py:31)"


def call(fn: str = "cross_entropy", place: str = CE, shape=(64, 4), target=(64,), **more) -> Event:
    facts = {
        "fn": fn,
        "place": place,
        "input": {"shape": list(shape), "dtype": "float32"},
        "target": {"shape": list(target), "dtype": "int64"} if target is not None else None,
        "requires_grad": True,
        "in_graph": True,
        "reduction": "mean",
        "label_smoothing": 0.0,
        "weighted": False,
        "producer": "Addmm",
        **more,
    }
    return Event("loss_call", 0, facts, LINE)


def test_the_first_broken_step_is_named() -> None:
    finding = only_finding(LossNotFinite(), make_run(loss=[1.0, 0.5, NAN, NAN], events=[call()]))
    assert finding.steps == (2, 3)
    assert finding.severity == "error"
    assert "last finite one was 0.5" in finding.summary
    assert finding.where.site == LINE


def test_one_infinite_loss_that_passes_is_a_warning() -> None:
    assert only_finding(LossNotFinite(), make_run(loss=[1.0, INF, 0.9])).severity == "warning"


def test_the_only_step_may_be_the_broken_one() -> None:
    assert only_finding(LossNotFinite(), make_run(loss=[-INF])).steps == (0, 0)


def test_a_loss_that_grew_first_gets_a_lower_rate() -> None:
    grown = only_finding(LossNotFinite(), make_run(loss=[1.0, 10.1, NAN]))
    assert [trick.name for trick in grown.tricks][:2] == ["clip-norm", "lr"]
    assert grown.tricks[1].value == "x0.1"
    sudden = only_finding(LossNotFinite(), make_run(loss=[1.0, 10.0, NAN]))
    assert [trick.name for trick in sudden.tricks][:2] == ["skip-non-finite", "clip-norm"]


@pytest.mark.parametrize(
    ("signals", "said", "step"),
    [
        ({"input_nan_share": {"input 0": [0, 0, 0.1]}}, "the input `input 0`", 2),
        ({"weight_nonfinite_share": {"0.weight": [0, 0.2, 0.2]}}, "the weight `0.weight`", 1),
        ({"activation_nonfinite_share": {"fc": [0, 0, 0.5]}}, "the output of `fc`", 2),
        ({"grad_nonfinite_share": {"0.weight": [0, 0.2, 1]}}, "the gradient of `0.weight`", 1),
        (
            {
                "activation_nonfinite_share": {"a": [0, 0, 1], "b": [0, 0, 1]},
                "weight_norm": {"w": [1, math.inf, math.inf]},
                "weight_nonfinite_share": {"w": [0, 0, 0]},
            },
            "the output of `a`",
            2,
        ),
    ],
)
def test_what_broke_first_is_named(signals, said: str, step: int) -> None:
    finding = only_finding(LossNotFinite(), make_run(loss=[1.0, 1.0, NAN], **signals))
    assert f"{said} at step {step}" in finding.summary


def test_this_steps_gradient_is_no_source() -> None:
    run = make_run(loss=[1.0, NAN], grad_nonfinite_share={"0.weight": [0, 1]})
    assert "first was" not in only_finding(LossNotFinite(), run).summary


def test_a_traced_operation_is_named() -> None:
    data = {"kind": "operation", "place": "Log", "share": 0.1, "module": "head"}
    run = make_run(loss=[1.0, NAN], events=[Event("nonfinite_origin", 1, data, LINE)])
    finding = only_finding(LossNotFinite(), run)
    assert "operation `Log` next to head" in finding.summary
    assert finding.where.module == "head"


def test_finite_and_missing_losses_are_silent() -> None:
    assert not list(LossNotFinite().review(make_run(loss=[1e30, -5.0, 0.0])))
    assert not list(LossNotFinite().review(make_run()))
    why = LossNotFinite().why_skipped(make_run())
    assert why == "no step followed a call of backward() on one scalar loss"


def test_a_second_run_is_offered_until_it_was_made() -> None:
    run = make_run(loss=[1.0, NAN])
    assert any("--deep" in line for line in only_finding(LossNotFinite(), run).try_)
    run.skipped["forensics"] = "not traced: the weights are changed by hand"
    advice = only_finding(LossNotFinite(), run).try_
    assert run.skipped["forensics"] in advice
    assert not any("--deep" in line for line in advice)
