"""Unit tests of `same-batch-every-step`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.data.same_batch_every_step import SameBatchEveryStep
from assay.checks.finding import Finding
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = SameBatchEveryStep()
SAMPLES, AGAIN = int(CHECK.limit("samples")), int(CHECK.limit("again"))
CALL, ITERATED = Site("train.py", 20), Site("train.py", 18)


def contents(cut_from: int = 0, *, unchanged: bool = False) -> Event[Any]:
    data = {"place": "input 0", "batches": 8, "rows": 80, "unchanged": unchanged,
            "cut_from": cut_from, "line": None}  # fmt: skip
    return Event("input_contents", 7, data, CALL)


def loader(*passes: dict[str, Any]) -> list[Event[Any]]:
    facts = {"number": 0, "size": 100, "grad": True}
    return [
        Event("loader", 0, facts, ITERATED),
        *(Event("epoch", i, {"loader": 0, "epoch": i, **each}) for i, each in enumerate(passes)),
    ]


def left(order: int = 5, draws: int = 10) -> dict[str, Any]:
    return {"order": order, "draws": draws, "whole": False}


def evaluated(mean: float | None) -> Event[Any]:
    return Event("eval_contents", 9, {"place": "input 0", "mean": 1.0, "eval_mean": mean})


def found(*events: Event[Any], prints: tuple[float, ...] = (2.0,) * SAMPLES) -> list[Finding]:
    run = make_run(input_fingerprint={"input 0": list(prints)}, events=events)
    return list(CHECK.review(run))


def test_a_loader_that_begins_anew() -> None:
    (finding,) = found(contents(), *loader(*[left()] * AGAIN))
    assert finding.where.site == ITERATED
    assert finding.summary == (
        f"all {SAMPLES} sampled steps were taken on one batch of 10 rows: the DataLoader over 100 "
        "samples began anew each time, and was left after 10"
    )
    assert found(contents(), *loader(*[left()] * (AGAIN - 1))) == []
    assert found(contents(), *loader(left(order=6), *[left()] * AGAIN)) == []
    assert found(contents(), *loader(*[left(draws=100)] * AGAIN)) == [], "all there is"


def test_batches_that_differ() -> None:
    prints = (2.0,) * SAMPLES
    assert found(contents(), *loader(*[left()] * AGAIN), prints=(*prints, 2.5)) == []
    assert found(contents(), *loader(*[left()] * AGAIN), prints=prints[1:]) == []


def test_one_batch_of_a_loader_where_others_are_evaluated() -> None:
    (finding,) = found(contents(), *loader(left()), evaluated(0.5))
    assert finding.summary.endswith(
        "the only one that was taken from a DataLoader over 100 samples"
    )
    assert found(contents(), *loader(left())) == [], "a look at whether it can be learnt"
    assert found(contents(), *loader(left()), evaluated(1.0)) == [], "the same batch"
    assert found(contents(), *loader(left()), evaluated(None)) == []


def test_a_slice_that_does_not_move_on() -> None:
    (finding,) = found(contents(40), evaluated(0.5))
    assert finding.where.site == CALL
    assert "cut anew each time from the same place of 40 rows" in finding.summary
    assert found(contents(39), evaluated(0.5)) == [], "a split"
    assert found(contents(40)) == []


def test_rows_that_never_change_are_another_fault() -> None:
    assert found(contents(unchanged=True), *loader(*[left()] * AGAIN)) == []


@pytest.mark.parametrize("loss", [[], [1.0], [math.nan] * 5])
def test_runs_that_cannot_be_judged_are_silent(loss: list[float]) -> None:
    assert list(CHECK.review(make_run(loss=loss))) == []
