"""Unit tests of `unused-parameters`, on invented runs."""

from __future__ import annotations

from typing import Any

from assay.checks.distributed.unused_parameters import UnusedParameters
from assay.checks.finding import Finding
from assay.journal.view import Event, Site
from assay.testing import make_run, make_training

CHECK = UnusedParameters()


def found(*counts: int) -> list[Finding]:
    trainings = [
        make_training(index=n, process=n, reduced_passes=[1.0]) for n in range(len(counts))
    ]
    events: list[Event[Any]] = [
        Event(
            "unreduced", 0,
            {"names": [f"age.{i}" for i in range(count)], "count": count, "of": 6, "cls": "Net",
             "built": ["train.py", 20, "train"]},
            process=process,
        )
        for process, count in enumerate(counts) if count
    ]  # fmt: skip
    return list(CHECK.review(make_run(*trainings, events=events, facts={"world": len(counts)})))


def test_one_on_all_ranks() -> None:
    (finding,) = found(1, 1)
    assert finding.summary == (
        "1 of the 6 parameters that the DistributedDataParallel around Net waits for (age.0) had "
        "no gradient after backward()"
    )
    assert finding.where.site == Site("train.py", 20, "train")
    assert finding.processes == (0, 1)


def test_four_on_one_rank() -> None:
    (finding,) = found(0, 4)
    assert "(age.0, age.1, age.2, ...)" in finding.summary
    assert finding.summary.endswith(", on some of the ranks")
    assert finding.processes == (1,)


def test_none() -> None:
    assert found(0, 0) == []
    assert list(CHECK.review(make_run(loss=[]))) == []
