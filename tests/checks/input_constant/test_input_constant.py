"""Unit tests of `input-constant`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.data.input_constant import InputConstant
from assay.checks.finding import Finding
from assay.journal.view import Event, Module, Site
from assay.testing import make_run

CHECK = InputConstant()
ROWS = int(CHECK.limit("rows"))
NARROW = int(CHECK.limit("narrow"))
LINE = Site("train.py", 9)


def contents(shape: list[int], *parts: dict[str, Any], rows: int = ROWS, **more: Any) -> Event[Any]:
    data = {
        "place": "input 0", "batches": 8, "rows": rows, "shape": shape, "varies": False,
        "unchanged": False, "binary": False, "cut_from": 0,
        "parts": list(parts), "line": ["train.py", 9, ""],
    }  # fmt: skip
    return Event("input_contents", 7, {**data, **more})


def part(size: int, which: list[int], *, dim: int = 1, two: int = 0) -> dict[str, Any]:
    return {"dim": dim, "size": size, "constant": len(which), "which": which[:16],
            "values": [0.0] * len(which[:16]), "two_valued": two}  # fmt: skip


def found(event: Event[Any], kinds: tuple[str, ...] = ()) -> list[Finding]:
    run = make_run(
        loss=[1.0] * 8,
        input_fingerprint={"input 0": [float(i) for i in range(8)]},
        events=[event],
        modules=[Module(kind, kind) for kind in kinds],
    )
    return list(CHECK.review(run))


def test_a_whole_input() -> None:
    (finding,) = found(contents([4], part(4, [0, 1, 2, 3]), unchanged=True))
    assert finding.where.site == Site("train.py", 9)
    assert finding.summary == (
        f"all {ROWS} rows that `input 0` was given in 8 sampled batches were equal to the last bit"
    )


def test_a_fixed_code_of_one_row_is_meant() -> None:
    assert found(contents([4], part(4, [0]), unchanged=True, rows=8)) == []


def test_a_feature() -> None:
    (finding,) = found(contents([4], part(4, [2])))
    assert (
        finding.summary
        == f"feature 2 of the 4 of `input 0` held 0 in all {ROWS} rows that were seen"
    )


def test_few_rows_are_not_judged() -> None:
    run = make_run(events=[contents([4], part(4, [2]), rows=ROWS - 1)],
                   input_fingerprint={"input 0": [1.0, 2.0]})  # fmt: skip
    assert CHECK.why_skipped(run) == f"{ROWS - 1} of the {ROWS} rows of inputs that it needs"


def test_rare_words_and_borders_are_left_alone() -> None:
    assert found(contents([4], part(4, [2], two=1))) == []
    assert found(contents([4], part(4, [2]), binary=True)) == []
    assert found(contents([NARROW], part(NARROW, [0, 1]))) == []
    assert found(contents([8, 8], part(8, [0, 7], dim=2))) == []


def test_half_of_a_wide_table() -> None:
    assert len(found(contents([64], part(64, list(range(32)))))) == 1
    assert found(contents([64], part(64, list(range(31))))) == []


def test_a_channel() -> None:
    (finding,) = found(contents([3, 8, 8], part(3, [1, 2])))
    assert finding.summary.startswith("channels 1, 2 of the 3 of `input 0` held 0")
    assert found(contents([4, 8, 8], part(4, [3]))) == [], "an alpha channel"
    assert found(contents([8, 8, 8], part(8, [3], two=2))) == [], "planes of a board"


def test_where_channels_of_a_series_lie_is_asked_of_the_layers() -> None:
    event = contents([6, 20], part(6, [2]), part(20, [], dim=2))
    assert len(found(event, ("Conv1d",))) == 1
    assert found(event, ("LSTM",)) == []
    assert found(event, ("Conv1d", "LSTM")) == []


@pytest.mark.parametrize("loss", [[], [1.0], [math.nan] * 5])
def test_runs_that_cannot_be_judged_are_silent(loss: list[float]) -> None:
    assert list(CHECK.review(make_run(loss=loss))) == []
