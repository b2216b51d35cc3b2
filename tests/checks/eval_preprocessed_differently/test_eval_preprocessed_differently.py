"""Unit tests of `eval-preprocessed-differently`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.data.eval_preprocessed_differently import EvalPreprocessedDifferently
from assay.checks.finding import Finding
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = EvalPreprocessedDifferently()
OUTSIDE, SCALE, SIGNED = (CHECK.limit(name) for name in ("outside", "scale", "signed"))
ROWS = int(CHECK.limit("rows"))


def found(*, shape: tuple[int, ...] = (8, 8), **facts: Any) -> list[Finding]:
    data = {
        "place": "input 0", "rows": ROWS, "training_rows": ROWS, "outside_share": OUTSIDE,
        "mean": 0.0, "std": 1.0, "part_means": [0.0], "low": -2.0, "high": 2.0,
        "eval_mean": 0.0, "eval_std": 1.0, "eval_part_means": [0.0], "eval_low": -2.0,
        "eval_high": 2.0, "line": ["train.py", 9, ""],
    }  # fmt: skip
    events = [
        Event("input_contents", 5, {"place": "input 0", "shape": list(shape)}),
        Event("eval_contents", 5, {**data, **facts}),
    ]
    return list(CHECK.review(make_run(loss=[1.0] * 5, events=events)))


def test_another_scale() -> None:
    (finding,) = found(eval_std=SCALE, eval_low=-9.0)
    assert finding.where.site == Site("train.py", 9)
    assert f"{OUTSIDE:.0%} of {ROWS} evaluated rows lay outside of all {ROWS} training" in (
        finding.summary
    )
    assert len(found(eval_std=1 / SCALE)) == 1
    assert found(eval_std=SCALE * 0.99, eval_low=-9.0) == []
    assert found(eval_std=SCALE, eval_low=-9.0, outside_share=OUTSIDE - 0.01) == []
    assert found(eval_std=SCALE, eval_low=-9.0, outside_share=None) == []


def test_signs_apart() -> None:
    moved, unmoved = CHECK.limit("shift") + 0.01, CHECK.limit("unmoved")
    assert len(found(eval_std=1 / SIGNED - 0.01, eval_low=0.0, eval_mean=moved)) == 1
    assert found(eval_std=1 / SIGNED + 0.01, eval_low=0.0, eval_mean=moved) == []
    assert found(eval_std=1 / SIGNED - 0.01, eval_mean=moved) == []
    assert found(eval_std=1 / SIGNED - 0.01, eval_low=0.0) == [], "training data with noise"
    assert len(found(eval_std=1 / unmoved - 0.01, eval_low=0.0)) == 1


def test_channels_backwards() -> None:
    (finding,) = found(part_means=[0.1, 0.2, 0.5], eval_part_means=[0.5, 0.2, 0.1])
    assert "had means 0.1, 0.2, 0.5 in training and 0.5, 0.2, 0.1 in evaluations" in finding.summary
    assert found(part_means=[0.1, 0.2, 0.5], eval_part_means=[0.1, 0.2, 0.5]) == []
    assert found(part_means=[0.1, 0.2, 0.5], eval_part_means=[0.3, 0.2, 0.3]) == []
    assert found(part_means=[0.1, 0.2, 0.15], eval_part_means=[0.15, 0.2, 0.1]) == []


def test_rows_of_few_numbers_and_few_rows() -> None:
    assert found(eval_std=100.0, shape=(3,)) == []
    assert found(eval_std=100.0, rows=ROWS - 1) == []
    assert found(eval_std=math.nan) == []
    assert found(eval_std=100.0, std=0.0) == []


def ids(**facts: Any) -> list[Finding]:
    data = {
        "place": "input 0", "rows": ROWS, "training_rows": ROWS, "tokens": 256, "scored": 1.0,
        "beyond": False, "common": 16, "met": 1.0, "apart": 0.02, "halves_apart": 0.02,
        "neighbours_apart": 0.5, "ranks_apart": 0.02, "shift": 1, "shifted_apart": 0.5, "more": 7,
        "more_share": 0.0, "more_eval_share": 0.01, "pad": None, "padded": 0.0, "eval_pad": None,
        "eval_padded": 0.0, "pad_in_eval": 0.0, "eval_pad_in_training": 0.0,
        "line": ["train.py", 9, ""],
    }  # fmt: skip
    events = [Event("eval_tokens", 5, {**data, **facts})]
    return list(CHECK.review(make_run(loss=[1.0] * 5, events=events)))


def test_ids_moved_by_a_number() -> None:
    moved, fits = CHECK.limit("moved"), CHECK.limit("fits")
    shifted = {"apart": moved, "ranks_apart": 0.3, "shift": 2, "shifted_apart": fits * moved}
    (finding,) = ids(**shifted)
    assert finding.where.site == Site("train.py", 9)
    assert finding.summary.endswith(", and 10% if all ids were 2 smaller (256 evaluated tokens)")
    assert "3 larger" in ids(**{**shifted, "shift": -3})[0].summary
    for fact in (
        {"apart": moved * 0.99}, {"shifted_apart": fits * moved * 1.01}, {"common": 15},
        {"neighbours_apart": 0.24}, {"halves_apart": 0.5 * moved}, {"beyond": True},
        {"tokens": 255}, {"rows": ROWS - 1}, {"training_rows": ROWS - 1},
    ):  # fmt: skip
        assert ids(**{**shifted, **fact}) == [], fact


def test_ids_of_another_vocabulary() -> None:
    others = CHECK.limit("others")
    (finding,) = ids(apart=others)
    assert "sorted by frequency, whatever their ids, 2%" in finding.summary
    assert ids(apart=others * 0.99) == []
    assert ids(apart=others, ranks_apart=0.2) == []
    assert ids(apart=others, met=0.4) == [], "other data"


def test_one_id_that_stands_for_all_words() -> None:
    (finding,) = ids(more_eval_share=0.5, more_share=0.05)
    assert "50% of the tokens that evaluations gave `input 0` had id 7, 5.0% of" in finding.summary
    assert ids(more_eval_share=0.49) == []
    assert ids(more_eval_share=0.5, more_share=0.06) == [], "masks"
    assert ids(more_eval_share=0.5, scored=0.5) == [], "a text is written"


def test_another_id_for_padding() -> None:
    padding = {"pad": 0, "padded": 0.3, "eval_pad": 9, "eval_padded": 0.3}
    (finding,) = ids(**padding)
    assert finding.try_ == ("fill up both with id 0",)
    for fact in (
        {"eval_pad": 0}, {"padded": 0.29}, {"eval_padded": 0.29}, {"pad_in_eval": 0.01},
        {"eval_pad_in_training": 0.01}, {"met": 0.4},
    ):  # fmt: skip
        assert ids(**{**padding, **fact}) == [], fact


@pytest.mark.parametrize("loss", [[], [1.0], [math.nan] * 5])
def test_runs_that_cannot_be_judged_are_silent(loss: list[float]) -> None:
    assert list(CHECK.review(make_run(loss=loss))) == []
