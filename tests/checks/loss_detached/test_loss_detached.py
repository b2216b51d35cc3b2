"""The check `loss-detached` at its limits, on invented runs."""

from __future__ import annotations

import pytest

from assay.checks.loss.loss_detached import LossDetached
from assay.journal.series import Series
from assay.journal.view import Event, Site
from assay.testing import make_run, make_training, only_finding

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


def without(count: int, of: int, training: int = 0) -> Event:
    return Event("without_gradient", 0, {"count": count, "of": of}, LINE, training=training)


def test_no_gradient_anywhere_is_found() -> None:
    leaf = Event("loss_without_graph", 0, {"requires_grad": True}, Site("train.py", 40))
    finding = only_finding(LossDetached(), make_run(loss=[1.0] * 9, events=[without(4, 4), leaf]))
    assert "none of the 4" in finding.summary
    assert finding.where.site == Site("train.py", 40)


def test_the_line_of_a_loss_without_graph_is_preferred() -> None:
    cut = call("l1_loss", requires_grad=False, in_graph=False)
    run = make_run(loss=[1.0] * 9, events=[cut, without(4, 4)])
    assert only_finding(LossDetached(), run).where.site == LINE


@pytest.mark.parametrize(
    "events",
    [
        [],
        [without(3, 4)],
        [without(4, 4), without(0, 4)],  # later they had one
        [without(4, 4), Event("outside_optimizer", 0, {"count": 4}, LINE)],
    ],
)
def test_partly_detached_models_are_silent(events) -> None:
    assert not list(LossDetached().review(make_run(loss=[1.0] * 9, events=events)))


def test_any_gradient_norm_is_proof_of_a_graph() -> None:
    run = make_run(loss=[1.0] * 9, grad_norm=[1.0], events=[without(4, 4)])
    assert not list(LossDetached().review(run))


def test_one_of_two_players_at_rest_is_silent() -> None:
    run = make_run(
        make_training(loss=[1.0] * 9),
        make_training(index=1, loss=[1.0] * 9, grad_norm=[1.0] * 9),
        events=[without(4, 4)],
    )
    assert not list(LossDetached().review(run))


def test_a_refused_backward_pass_is_found_without_a_single_step() -> None:
    error = "element 0 of tensors does not require grad and does not have a grad_fn"
    run = make_run(steps=0, events=[Event("backward_failed", 0, {"error": error}, LINE)])
    assert LossDetached().why_skipped(run) is None
    assert only_finding(LossDetached(), run).where.site == LINE
    other = make_run(
        steps=0, events=[Event("backward_failed", 0, {"error": "out of memory"}, LINE)]
    )
    assert not list(LossDetached().review(other))


@pytest.mark.parametrize(
    ("given", "passes", "count", "found"),
    [
        (20, 40, 4, True),
        (20, 28, 4, False),  # seven passes are too few to tell
        (22, 40, 4, False),  # there was a gradient since
        (20, 40, 3, False),  # not of all parameters
    ],
)
def test_a_loss_that_loses_its_graph_in_mid_run_is_found(
    given: int, passes: int, count: int, found: bool
) -> None:
    lost = Event("without_gradient", 21, {"count": count, "of": 4}, LINE, training=0)
    run = make_run(
        make_training(
            loss=[1.0] * 50, grad_norm={"w": [1.0] * given}, backward_passes=[1.0] * (passes + 1)
        ),
        events=[without(1, 4), lost],
    )
    if given == 22:
        run.trainings[0].signals["grad_norm"]["w"].append(30, 1.0)
    if passes == 28:
        run.trainings[0].signals["backward_passes"][""] = Series((s, 1.0) for s in range(29))
    findings = list(LossDetached().review(run))
    assert bool(findings) == found
    if found:
        assert "got a gradient from step 21 on, to the end at step 50" in findings[0].summary
