"""Unit tests of `eval-labels-renumbered`, on invented runs."""

from __future__ import annotations

from assay.checks.data.eval_labels_renumbered import EvalLabelsRenumbered
from assay.checks.finding import Finding
from assay.journal.view import Evaluation, Event, Site
from assay.testing import make_run, only_finding

CHECK = EvalLabelsRenumbered()
LIMIT = CHECK.limit("accuracy")
PLACE = "cross_entropy (train.py:9)"


def run(learnt: float = 1.0, at: int = 9, last: int = 9, accuracy: float | None = 0.1):
    data = {
        "answers": [1, 2, 3, 4, 5], "labels": [0, 1, 2, 3, 4], "share": 0.95, "samples": 180,
        "of": 200, "line": ["eval.py", 12, "test"],
    }  # fmt: skip
    events = [Event("eval_renumbered", at, data), Event("eval_labels", at, {"counts": [40] * 6})]
    return make_run(
        loss=[1.0] * 10,
        loss_accuracy={PLACE: [0.0, *[learnt] * 9]},
        evaluations=[Evaluation(last, "cross_entropy", 4.0, accuracy, 200)],
        events=events,
    )


def findings(**facts) -> list[Finding]:
    return list(CHECK.review(run(**facts)))


def test_what_each_answer_meant_is_told_with_the_line_of_the_evaluation() -> None:
    finding = only_finding(CHECK, run())
    assert finding.where.site == Site("eval.py", 12, "test")
    assert "1 meant 0, 2 meant 1, 3 meant 2, 4 meant 3, ... in 95% of 180" in finding.summary
    assert finding.severity == "error"


def test_a_model_that_has_not_learnt_its_own_labels_is_no_judge() -> None:
    assert findings(learnt=LIMIT)
    assert not findings(learnt=LIMIT - 0.01)


def test_the_last_evaluation_counts() -> None:
    assert not findings(at=4)
    assert findings(at=4, last=4)
    assert not findings(accuracy=None)
