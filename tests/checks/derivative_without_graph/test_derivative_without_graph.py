"""Unit tests of `derivative-without-graph`, on invented runs."""

from __future__ import annotations

import pytest

from assay.checks.gradient.derivative_without_graph import DerivativeWithoutGraph
from assay.journal.view import Event, Site
from assay.testing import make_run, only_finding

CHECK = DerivativeWithoutGraph()
PLACE = "grad (train.py:7)"


def run(values: list[float], added: int | None = 9):
    made = make_run(loss=[1.0] * 4, derivative_constant={PLACE: values})
    lines = {"at": ["/a/train.py", 7, "loss"], "added": added and ["/a/train.py", added, "loss"]}
    data = {"place": PLACE, "graph": False, **lines}
    made.all_events.append(Event("derivative", 0, data))
    return made


def test_the_line_that_takes_it_is_named_and_the_one_that_adds_it() -> None:
    finding = only_finding(CHECK, run([1.0, 1.0, 0.0, 1.0]))
    assert finding.where.site == Site("/a/train.py", 7, "loss")
    assert "(train.py:9) as a constant, in 3 of 4 steps" in finding.summary
    assert (finding.severity, finding.tier) == ("error", "exact")


@pytest.mark.parametrize("values", [[0.0] * 4, [1.0, 0.0, 0.0], [1.0]])
def test_once_is_not_enough(values: list[float]) -> None:
    assert not list(CHECK.review(run(values)))


def test_a_run_without_derivatives_says_that_there_were_none() -> None:
    assert "torch.autograd.grad was not called" in str(CHECK.why_skipped(make_run(loss=[1.0] * 4)))
