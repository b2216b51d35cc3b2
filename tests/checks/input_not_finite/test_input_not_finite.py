"""The check `input-not-finite` at its limits, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.data.input_not_finite import InputNotFinite
from assay.journal.view import Event, RunView, Site
from assay.testing import make_run, only_finding

NAN, INF = math.nan, math.inf


LINE = Site("train.py", 12, "<module>")


def batch_run(nan=(0.0, 0.0), bad=None, loss=(1.0, 1.0), **more) -> RunView:
    return make_run(
        input_nan_share={"input 0": list(nan)},
        input_nonfinite_share={"input 0": list(bad or nan)},
        loss=list(loss),
        events=[Event("input", 0, {"place": "input 0"}, LINE)],
        **more,
    )


def test_nan_in_a_batch_whose_loss_is_nan_is_an_error() -> None:
    finding = only_finding(InputNotFinite(), batch_run(nan=(0.0, 0.01), loss=(1.0, NAN)))
    assert finding.severity == "error"
    assert finding.steps == (1, 1)
    assert finding.evidence[0].value == 0.01
    assert finding.where.site == LINE
    assert [trick.name for trick in finding.tricks] == ["skip-non-finite"]


def test_nan_that_breaks_only_the_gradient_is_an_error() -> None:
    finding = only_finding(
        InputNotFinite(), batch_run(nan=(0.5, 0.0), grad_nonfinite_share={"w": [0.5, 0.0]})
    )
    assert finding.severity == "error"


def test_nan_that_the_model_fills_is_a_note() -> None:
    assert only_finding(InputNotFinite(), batch_run(nan=(0.2, 0.2))).severity == "note"


def test_a_mask_of_minus_infinity_is_silent() -> None:
    assert not list(InputNotFinite().review(batch_run(bad=(0.4, 0.4))))


def test_a_mask_is_not_blamed_for_a_loss_that_breaks_later() -> None:
    assert not list(InputNotFinite().review(batch_run(bad=(0.4, 0.4), loss=(1.0, NAN))))


def test_minus_infinity_whose_every_step_breaks_is_an_error() -> None:
    finding = only_finding(InputNotFinite(), batch_run(bad=(0.0, 0.001), loss=(1.0, INF)))
    assert finding.severity == "error"


def test_nan_targets_are_an_error() -> None:
    run = batch_run(target_mean={"mse_loss (train.py:9)": [0.0, NAN]}, loss=(1.0, NAN))
    assert "targets of mse_loss" in only_finding(InputNotFinite(), run).summary


def test_a_traced_origin_counts_though_its_step_was_not_sampled() -> None:
    run = batch_run(loss=(1.0, 1.0, 1.0, NAN))
    data = {"kind": "input", "place": "mat1 of Addmm", "share": 0.1, "module": "0"}
    run.all_events.append(Event("nonfinite_origin", 3, data, LINE, training=0))
    assert only_finding(InputNotFinite(), run).steps == (3, 3)


@pytest.mark.parametrize("kind", ["parameter", "operation"])
def test_an_origin_that_is_no_input_is_silent(kind: str) -> None:
    run = batch_run(loss=(1.0, NAN))
    data = {"kind": kind, "place": "Log", "share": 0.1, "module": None}
    run.all_events.append(Event("nonfinite_origin", 1, data, LINE, training=0))
    assert not list(InputNotFinite().review(run))


def test_finite_batches_and_an_empty_run_are_silent() -> None:
    assert not list(InputNotFinite().review(batch_run()))
    assert not list(InputNotFinite().review(make_run()))
    why = InputNotFinite().why_skipped(make_run())
    assert why == "no model was given a tensor in the sampled steps"
