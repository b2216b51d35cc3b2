"""Unit tests of `labels-unrelated-to-inputs`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.data.labels_unrelated_to_inputs import LabelsUnrelatedToInputs
from assay.checks.finding import Finding
from assay.journal.view import Evaluation, Event, Site
from assay.testing import make_run, make_training

CHECK = LabelsUnrelatedToInputs()
ERRORS, FEW, MANY, ROWS, CHANCE, POWER, NEAR = (
    CHECK.limit(name) for name in ("errors", "of few", "many", "rows", "chance", "power", "near")
)
STEPS = int(CHECK.limit("steps"))
FLOOR = math.log(2)


def found(
    told: float = 0.0,
    rows: float = MANY,
    loss: float | list[float] = FLOOR,
    held: float | None = None,
    best: float = POWER,
    epoch: int = 0,
) -> list[Finding]:
    shape: dict[str, Any] = {"shape": [32, 2], "dtype": "float32"}
    call = {"fn": "cross_entropy", "place": "the loss", "input": shape, "reduction": "mean",
            "target": {"shape": [32], "dtype": "int64"}}  # fmt: skip
    data = {
        "rows": int(rows),
        "agree": 0.5,
        "chance": 0.5,
        "by_neighbours": told,
        "by_line": 0.1,
        "at_best": best,
    }
    losses = loss if isinstance(loss, list) else [loss] * STEPS
    training = make_training(
        loss=losses,
        loss_call_value={"the loss": losses},
        label_count={"0": [16.0] * STEPS, "1": [16.0] * STEPS},
        evaluations=[] if held is None else [Evaluation(9, "cross_entropy", held, None, 40)],
    )
    events = [
        Event("loss_call", 0, call, Site("train.py", 20)),
        Event("neighbours", STEPS - 1, data, Site("train.py", 20)),
    ]
    ends = range(epoch, len(losses) + 1, epoch) if epoch else ()
    events += [Event("epoch", at, {"loader": 0, "order": at, "whole": True}) for at in ends]
    return list(CHECK.review(make_run(training, events=events)))


def test_at_the_limit() -> None:
    (finding,) = found()
    assert finding.severity == "warning"
    assert "the five nearest to each had its label in 50.0% of cases, where chance has 50.0%" in (
        finding.summary
    )
    assert found(told=ERRORS) == []
    assert len(found(told=ERRORS - 0.01)) == 1
    assert found(told=math.nan) == []


def test_of_few_rows_less_is_enough() -> None:
    assert found(rows=ROWS - 1) == []
    assert len(found(rows=MANY - 1, told=FEW - 0.01)) == 1
    assert found(rows=MANY - 1, told=FEW) == []


def test_a_loss_that_falls() -> None:
    assert found(loss=CHANCE * FLOOR - 0.01) == []
    assert len(found(loss=0.1, held=FLOOR)) == 1, "learnt by heart"
    assert found(loss=0.1, held=CHANCE * FLOOR - 0.01) == []


def test_a_loss_that_falls_by_heart_alone() -> None:
    epoch = STEPS // 5

    def losses(first: float, rise: float, fall: float) -> list[float]:
        return [
            FLOOR * (1 + (rise * at / epoch if n else first - 1) - fall * n)
            for n in range(5)
            for at in range(epoch)
        ]

    (finding,) = found(loss=losses(1, 0.1, 0.1), epoch=epoch)
    assert "fell from one to the next alone" in finding.summary
    assert found(loss=losses(1, 0.1, 0.1)) == [], "it is not known what was new"
    assert found(loss=losses(CHANCE - 0.01, 0.1, 0.1), epoch=epoch) == []
    assert found(loss=losses(1, 0.01, 0.1), epoch=epoch) == []
    assert found(loss=losses(1, 0.1, 0.1), epoch=epoch, told=ERRORS) == []
    assert found(loss=losses(1, 0.05, CHECK.limit("by heart") / 6), epoch=epoch) == []


def test_targets_that_nobody_could_tell() -> None:
    assert found(best=POWER - 0.01) == []
    assert found(best=math.nan) == []


def test_a_loss_that_is_still_on_its_way_down() -> None:
    down = [FLOOR * (3 - 1.5 * i / STEPS) for i in range(STEPS)]
    assert found(loss=down) == []
    assert len(found(loss=[NEAR * FLOOR] * STEPS)) == 1
    assert len(found(loss=[NEAR * FLOOR * 2] * STEPS)) == 1, "it stands"


@pytest.mark.parametrize("loss", [[], [1.0], [math.nan] * 5])
def test_runs_that_cannot_be_judged_are_silent(loss: list[float]) -> None:
    assert list(CHECK.review(make_run(loss=loss))) == []
