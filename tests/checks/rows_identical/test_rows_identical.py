"""Unit tests of `rows-identical`, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.data.rows_identical import RowsIdentical
from assay.checks.finding import Finding
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = RowsIdentical()
SAMPLES = int(CHECK.limit("samples"))
LINE = Site("train.py", 20)


def found(
    shares: list[float], prints: list[float], entropy: float = 1.0, distinct: int | None = None
) -> list[Finding]:
    events = [Event("input", 0, {"place": "input 0"}, LINE)]
    if distinct is not None:
        events.append(Event("epoch", 4, {"distinct": distinct}))
    run = make_run(
        input_rows_equal_share={"input 0": shares},
        input_fingerprint={"input 0": prints},
        label_entropy={"cross_entropy (train.py:21)": [entropy] * len(shares)},
        events=events,
    )
    return list(CHECK.review(run))


def different(count: int) -> list[float]:
    return [float(i) for i in range(count)]


def test_at_the_limit() -> None:
    (finding,) = found([1.0] * SAMPLES, different(SAMPLES))
    assert (finding.severity, finding.where.site) == ("error", LINE)
    assert finding.summary == (
        f"all rows of `input 0` were equal to the last bit in each of {SAMPLES} sampled batches, "
        f"and other ones in the next batch, while their targets differed in {SAMPLES} of them"
    )


def test_just_under_the_limit() -> None:
    assert found([1.0] * (SAMPLES - 1), different(SAMPLES - 1)) == []
    assert found([1.0] * SAMPLES + [0.99], different(SAMPLES + 1)) == []


def test_what_never_changes_is_another_fault() -> None:
    assert found([1.0] * SAMPLES, [3.0] * SAMPLES) == []


def test_a_sample_repeated_on_purpose_has_one_target() -> None:
    assert found([1.0] * SAMPLES, different(SAMPLES), entropy=0.0) == []
    assert found([1.0] * SAMPLES, different(SAMPLES), entropy=math.nan) == []
    assert len(found([1.0] * SAMPLES, different(SAMPLES), entropy=0.0, distinct=32)) == 1


@pytest.mark.parametrize("loss", [[], [1.0], [math.nan] * 5])
def test_runs_that_cannot_be_judged_are_silent(loss: list[float]) -> None:
    assert list(CHECK.review(make_run(loss=loss))) == []
