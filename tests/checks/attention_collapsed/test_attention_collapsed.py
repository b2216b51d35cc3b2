"""Unit tests of `attention-collapsed`, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.finding import Finding
from assay.checks.model.attention_collapsed import AttentionCollapsed
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = AttentionCollapsed()
RANGE, TOP = CHECK.limit("range"), CHECK.limit("top")
LINE = Site("net.py", 12, "forward")
CHANCE = math.log(4)


def findings(
    ranges: list[float], tops: list[float], loss: float = 0.1, classes: int = 4
) -> list[Finding]:
    line = [LINE.file, LINE.line, LINE.function]
    events = [
        Event("attention_at", 5, {"how": how, "count": 1, "line": line})
        for how in ("one key", "all keys")
    ]
    call = {
        "fn": "cross_entropy", "place": "the loss", "reduction": "mean",
        "input": {"shape": [8, classes]}, "target": {"dtype": "int64"},
    }  # fmt: skip
    events.append(Event("loss_call", 0, call, Site("train.py", 30)))
    run = make_run(
        loss=[loss] * 9,
        events=events,
        attention_weight_range=ranges,
        attention_top_weight=tops,
        loss_call_value={"the loss": [loss] * 9},
    )
    return list(CHECK.review(run))


def test_equal_weights_in_all_measurements() -> None:
    (finding,) = findings([0.0, RANGE], [0.25, 0.25])
    assert finding.where.site == LINE
    assert "in all 2 steps that were looked at" in finding.summary
    assert findings([0.0, RANGE * 1.01], [0.25, 0.25]) == [], "it began even"
    assert findings([0.0], [0.25]) == [], "one measurement"


def test_all_weight_on_one_key_while_nothing_is_learnt() -> None:
    (finding,) = findings([3.0, 4.0], [0.5, TOP], loss=CHANCE)
    assert finding.where.site == LINE
    assert "95.0% of the weight to one key" in finding.summary
    assert finding.summary.endswith("ended at 1.39, where a constant prediction has 1.39")
    assert findings([3.0, 4.0], [0.5, TOP], loss=0.9 * CHANCE) == [], "a look-up"
    assert findings([3.0, 4.0], [TOP, TOP * 0.99], loss=CHANCE) == []
    assert findings([3.0, 4.0], [0.5, TOP], loss=CHANCE, classes=1) == [], "no constant's loss"


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_losses_that_say_nothing(loss: float) -> None:
    assert findings([3.0, 4.0], [0.5, math.nan], loss=loss) == []
    assert findings([3.0, 4.0], [0.5, TOP], loss=math.nan) == []
    assert findings([], []) == []
