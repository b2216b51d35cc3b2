"""The check `loss-shape-broadcast` at its limits, on invented runs."""

from __future__ import annotations

import pytest

from assay.checks.loss.loss_shape_broadcast import LossShapeBroadcast, broadcast
from assay.journal.view import Event, RunView, Site
from assay.testing import make_run, only_finding

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


@pytest.mark.parametrize(
    ("shape", "target", "table"),
    [
        ((40, 1), (40,), 1600),
        ((40,), (40, 1), 1600),
        ((8, 5, 1), (8, 5), 0),
        ((5, 5, 1), (5, 5), 125),
    ],
)
def test_outer_products_are_found(shape, target, table: int) -> None:
    run = make_run(events=[call("mse_loss", shape=shape, target=target)])
    if not table:
        assert broadcast(list(shape), list(target)) is None
        assert not list(LossShapeBroadcast().review(run))
        return
    finding = only_finding(LossShapeBroadcast(), run)
    assert f"compared {table} pairs" in finding.summary
    assert finding.evidence[0].value > 1


@pytest.mark.parametrize(
    ("fn", "shape", "target"),
    [
        ("mse_loss", (40,), (40,)),
        ("mse_loss", (40, 3), (40, 3)),
        ("mse_loss", (40, 3), ()),  # a scalar target
        ("mse_loss", (40, 3), (3,)),  # one target for each column
        ("mse_loss", (40, 3), (40, 1)),  # one for each row
        ("mse_loss", (1, 1), (1,)),  # a batch of one
        ("smooth_l1_loss", (40, 9, 1), (40, 1, 5)),  # pairs on purpose
        ("cross_entropy", (40, 3), (40,)),
        ("mse_loss", (40,), None),
    ],
)
def test_other_shapes_are_silent(fn, shape, target) -> None:
    run = make_run(events=[call(fn, shape=shape, target=target)])
    assert not list(LossShapeBroadcast().review(run))


def pairs(one, other, operation="Sub") -> RunView:
    facts = {"operation": operation, "one": list(one), "other": list(other),
             "line": ["train.py", 31, "<module>"]}  # fmt: skip
    return make_run(events=[Event("pairs_compared", 3, facts, Site("train.py", 40))])


@pytest.mark.parametrize(
    ("operation", "sign"), [("Sub", "-"), ("Mul", "*"), ("Div", "/"), ("Add", "+")]
)
def test_arithmetic_is_found_on_its_own_line(operation: str, sign: str) -> None:
    finding = only_finding(LossShapeBroadcast(), pairs((40,), (40, 1), operation))
    assert finding.where.site == LINE
    assert finding.summary.startswith(f"[40] {sign} [40, 1] gave [40, 40]: 1600 pairs for 40 ")
    assert LossShapeBroadcast().why_skipped(pairs((40,), (40, 1))) is None


def test_arithmetic_of_a_batch_of_one_is_silent() -> None:
    assert not list(LossShapeBroadcast().review(pairs((1,), (1, 1))))
    assert LossShapeBroadcast().why_skipped(make_run(loss=[1.0])) is not None
