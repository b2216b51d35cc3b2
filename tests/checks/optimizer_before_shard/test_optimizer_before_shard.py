"""Unit tests of `optimizer-before-shard`, on invented runs."""

from __future__ import annotations

from typing import Any

from assay.checks.distributed.optimizer_before_shard import OptimizerBeforeShard
from assay.checks.finding import Finding
from assay.journal.view import Event, Site
from assay.testing import make_run, make_training

CHECK = OptimizerBeforeShard()
BUILT = Site("train.py", 9)


def found(*events: Event[Any]) -> list[Finding]:
    training = make_training(optimizer="Adam", loss=[1.0] * 20, site=BUILT)
    return list(CHECK.review(make_run(training, events=events)))


def event(count: int, by: list[Any] | None = None) -> Event[Any]:
    return Event("resharded", 0, {"count": count, "of": 4, "by": by}, training=0)


def test_parameters_that_were_replaced() -> None:
    (finding,) = found(event(4, ["train.py", 12, "main"]))
    assert finding.where.site == BUILT
    assert finding.summary == (
        "fully_shard (train.py:12) replaced 4 of the 4 parameters of Adam after it was built, and "
        "none that it holds had a gradient at its first step"
    )
    assert len(found(event(1))) == 1


def test_right_ones_are_silent() -> None:
    assert found(event(0)) == []
    assert found(Event("sharded", 0, {}, training=0)) == []
    assert found() == []
