"""Processes that train each by itself (hogwild) are told apart, ranks are not."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checks.finding import Where
from assay.journal.view import RunView, Site
from assay.report import Report, make_report
from assay.report.page.curves import panels
from assay.report.page.setup import facts as setup_facts
from assay.report.page.verdict import causes
from assay.report.terminal import render
from assay.testing import make_run, make_training

from .conftest import Says, Silent

LINE = Site("train.py", 8, "train")


class Broken(Says):
    """Finds a loss above 2 in whichever process has one."""

    def review(self, run: RunView) -> Any:
        for training in run.trainings:
            if max(training.series("loss").values) > 2:
                yield self.found("the loss is high", "it is", where=Where(site=LINE),
                                 training=training)  # fmt: skip


def run(*highest: float, world: int = 1, ranks: tuple[int, ...] = (0, 0, 0)) -> Report:
    trainings = [
        make_training(index=i, process=i, loss=[1.0, high] * 20) for i, high in enumerate(highest)
    ]
    for training, rank in zip(trainings, ranks, strict=False):
        training.rank = rank
    facts = {"world": world, "processes": [{"pid": 40 + i} for i in range(len(highest))]}
    return make_report(make_run(*trainings, facts=facts), [Broken("high"), Silent()])


def test_a_finding_says_in_which_process() -> None:
    report = run(1.0, 3.0, 1.0)
    text = " ".join(render(report, width=120).split())
    assert "process 2 of 3 (pid 41)" in text
    assert "3 processes, each trained by itself" in text
    written = report.as_dict()
    assert [p["pid"] for p in written["run"]["processes"]] == [40, 41, 42]
    assert written["findings"][0]["processes"] == [2]
    assert "process 2 of 3 (pid 41)" in causes(report)[0][0]["where"]
    assert "3, each trained by itself" in str(setup_facts(report))


def test_one_finding_of_all_names_all() -> None:
    (finding,) = run(3.0, 3.0, 3.0).as_dict()["findings"]
    assert finding["processes"] == [1, 2, 3]
    assert "1, 2 and 3 of 3 (pids 40, 41, 42)" in render(run(3.0, 3.0, 3.0), width=120)


def test_curves_of_processes_have_names_of_their_own() -> None:
    (loss,) = [panel for panel in panels(run(1.0, 3.0).view) if panel.key == "loss"]
    assert [label for label, _ in loss.lines] == ["training, process 1", "training, process 2"]


def test_a_finding_says_on_which_ranks() -> None:
    report = run(1.0, 3.0, 3.0, world=3, ranks=(0, 1, 2))
    assert "ranks 1 and 2 of 3" in " ".join(render(report, width=120).split())
    assert report.as_dict()["findings"][0]["ranks"] == [1, 2]
    assert "rank 1 and 2 of 3" in causes(report)[0][0]["where"]
    report = run(3.0, 3.0, world=2, ranks=(0, 1))
    assert "ranks all 2" in " ".join(render(report, width=120).split())


def test_what_concerns_all_ranks_comes_first() -> None:
    trainings = [
        make_training(index=i, process=i, loss=[1.0, 3.0] * 20, grad_norm=[1.0, 1.0 + 4 * i] * 20)
        for i in range(2)
    ]
    for training in trainings:
        training.rank = training.process

    class Steep(Says):
        def review(self, run: RunView) -> Any:
            for training in run.trainings:
                if max(training.series("grad_norm").values) > 2:
                    yield self.found("it is steep", "it is", training=training)

    report = make_report(make_run(*trainings, facts={"world": 2}), [Steep("steep"), Broken("high")])
    assert [finding.check for finding in report.findings] == ["high", "steep"]


@pytest.mark.parametrize("given", [{"world": 2}, {"ranks": (0, 1)}])
def test_ranks_are_one(given: Any) -> None:
    report = run(3.0, 3.0, **given)
    assert report.separate == ()
    assert "processes" not in report.as_dict()["findings"][0]
    assert "by itself" not in render(report)
