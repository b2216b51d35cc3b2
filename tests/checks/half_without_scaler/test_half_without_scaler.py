"""The check `half-without-scaler` at its limits, on invented runs."""

from __future__ import annotations

import pytest

from assay.checks.base import Check
from assay.checks.finding import Finding
from assay.checks.precision.half_without_scaler import HalfWithoutScaler
from assay.diagnosis import Diagnosis
from assay.journal.view import Event, RunView, Site
from assay.testing import make_run
from assay.trials.remedies import remedies

LINE = Site("train.py", 12, "<module>")


def only(check: Check, run: RunView) -> Finding:
    (finding,) = check.review(run)
    assert finding.severity == "note"
    return finding


def silent(check: Check, run: RunView) -> bool:
    return check.why_skipped(run) is None and not list(check.review(run))


def tried(finding: Finding, run: RunView) -> list[str]:
    return [c.name for tier in remedies(run, Diagnosis((finding,), ())) for c in tier]


def half(dtype: str = "float16", scaled: int = 0, *, graph: bool = True) -> RunView:
    call = {
        "fn": "cross_entropy", "place": "cross_entropy (train.py:12)", "in_graph": graph,
        "weighted": False, "input": {"shape": [8, 3], "dtype": dtype},
    }  # fmt: skip
    region = {"device": "cpu", "dtype": dtype, "enabled": True}
    return make_run(
        loss=[1.0] * 9,
        events=[
            Event("loss_call", 0, call, Site("train.py", 13)),
            Event("autocast", 0, region, LINE),
            *[Event("scaler", 0, {"scaled": scaled}, LINE)][: scaled > 0],
        ],
    )


def test_half_precision_without_a_scaler() -> None:
    run = half()
    finding = only(HalfWithoutScaler(), run)
    assert finding.where.site == LINE
    assert tried(finding, run) == ["amp=fp16"]


def test_half_weights_without_autocast_are_named_at_the_loss() -> None:
    run = half()
    run.all_events.pop()
    assert only(HalfWithoutScaler(), run).where.site == Site("train.py", 13)


@pytest.mark.parametrize(
    "run",
    [half(scaled=9), half("bfloat16"), half("float32"), half(graph=False)],
)
def test_half_precision_that_is_well(run: RunView) -> None:
    assert silent(HalfWithoutScaler(), run)
