"""Unit tests of `eval-builds-graph`, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.model.eval_builds_graph import EvalBuildsGraph
from assay.journal.view import Event, RunView
from assay.testing import make_run, make_training

CHECK = EvalBuildsGraph()
LINE = ["train.py", 31, "validate"]


def run(graphs: list[float], kept: list[float], *, grad: bool = True) -> RunView:
    data = {"module": "Net", "line": LINE, "training": False, "grad": grad}
    return make_run(
        make_training(eval_graphs={"Net": graphs}, eval_graphs_kept={"Net": kept}),
        events=[Event("evaluation_pass", 0, data)],
    )


def test_graphs_that_are_held_are_a_warning_at_the_call() -> None:
    (finding,) = CHECK.review(run([3.0], [3.0]))
    assert finding.severity == "warning"
    assert finding.where.site is not None
    assert finding.where.site.line == 31
    assert "3 of them were held" in finding.summary


def test_graphs_that_are_let_go_of_are_a_note() -> None:
    (finding,) = CHECK.review(run([0.0, 40.0], [0.0, 2.0]))
    assert finding.severity == "note"
    assert finding.steps == (1, 1)


@pytest.mark.parametrize("graphs", [[], [2.0], [math.nan], [0.0] * 5])
def test_fewer_are_silent(graphs: list[float]) -> None:
    assert list(CHECK.review(run(graphs, [0.0] * len(graphs)))) == []


def test_the_line_may_be_unknown() -> None:
    (finding,) = CHECK.review(run([9.0], [9.0], grad=False))
    assert finding.where.site is None
