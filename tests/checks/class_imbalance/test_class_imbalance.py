"""The check `class-imbalance` at its limits, on invented runs."""

from __future__ import annotations

from assay.checks.base import Check
from assay.checks.data.class_imbalance import ClassImbalance
from assay.checks.finding import Finding
from assay.diagnosis import Diagnosis
from assay.journal.view import Event, RunView, Site
from assay.testing import make_run
from assay.trials.remedies import remedies

LINE = Site("train.py", 12, "<module>")


NAN = float("nan")


def only(check: Check, run: RunView) -> Finding:
    (finding,) = check.review(run)
    assert finding.severity == "note"
    return finding


def silent(check: Check, run: RunView) -> bool:
    return check.why_skipped(run) is None and not list(check.review(run))


def tried(finding: Finding, run: RunView) -> list[str]:
    return [c.name for tier in remedies(run, Diagnosis((finding,), ())) for c in tier]


def labels(*counts: float, weighted: bool = False, rows: int = 64) -> RunView:
    call = {
        "fn": "cross_entropy", "place": "cross_entropy (train.py:12)", "in_graph": True,
        "weighted": weighted, "input": {"shape": [rows, 3], "dtype": "float32"},
    }  # fmt: skip
    given = {"place": "input 0", "shape": [64, 8], "dtype": "float32"}
    return make_run(
        loss=[1.0] * 20,
        label_count={str(c): [float(n)] * 20 for c, n in enumerate(counts)},
        events=[Event("loss_call", 0, call, LINE), Event("input", 0, given, LINE)],
    )


def test_a_rare_class() -> None:
    run = labels(61, 1, 2)
    finding = only(ClassImbalance(), run)
    assert "class 1 is 1.6% of the 1280 labels seen" in finding.summary
    assert finding.where.site == LINE
    assert tried(finding, run) == ["balance-classes=1.0", "balance-classes=0.5"]


def ones(share: float, *, top: float = 1.0, shape: tuple[int, ...] = (64,)) -> RunView:
    place = "binary_cross_entropy_with_logits (train.py:12)"
    described = {"shape": [*shape], "dtype": "float32"}
    call = {"fn": place.split()[0], "place": place, "in_graph": True, "weighted": False,
            "input": described, "target": described}  # fmt: skip
    return make_run(
        loss=[1.0] * 20,
        target_ones_share={place: [share] * 20},
        prediction_top_share={place: [0.9] * 10 + [top] * 10},
        prediction_top_label={place: [0.0] * 20},
        events=[Event("loss_call", 0, call, LINE)],
    )


def test_two_classes_of_which_one_is_rare() -> None:
    finding = only(ClassImbalance(), ones(1 / 32))
    assert finding.summary == (
        "class 1 is 3.1% of the 1280 labels seen, the commonest class 96.9%; in the last 5 sampled "
        "batches nothing else was predicted"
    )
    assert finding.tricks == ()
    assert "nothing else" not in only(ClassImbalance(), ones(1 / 32, top=0.99)).summary
    assert silent(ClassImbalance(), ones(0.5))
    assert ClassImbalance().why_skipped(ones(1 / 32, shape=(64, 5))) is not None
    assert ClassImbalance().why_skipped(ones(NAN)) is not None


def test_a_tenth_of_the_commonest_class_is_not_rare() -> None:
    assert silent(ClassImbalance(), labels(50, 5))
    assert only(ClassImbalance(), labels(51, 5))


def test_classes_that_are_hardly_seen_are_not_judged() -> None:
    why = ClassImbalance().why_skipped(labels(24, 0.9))
    assert why == "498 of the 500 labels that it needs"
    assert only(ClassImbalance(), labels(24, 1))
    assert silent(ClassImbalance(), labels(64))
    assert silent(ClassImbalance(), labels(64, 0))
    assert silent(ClassImbalance(), labels(64, NAN))


def test_weights_in_the_loss_are_silent_and_sequences_not_judged() -> None:
    assert silent(ClassImbalance(), labels(61, 1, 2, weighted=True))
    assert ClassImbalance().why_skipped(labels(61, 1, 2, rows=640)) is not None
