"""Unit tests of `learning-rate-of-checkpoint`, on invented runs."""

from __future__ import annotations

from typing import Any

from assay.checks.finding import Finding
from assay.checks.optimizer.learning_rate_of_checkpoint import LearningRateOfCheckpoint
from assay.journal.view import Event, Site
from assay.testing import make_run, make_training

CHECK = LearningRateOfCheckpoint()
LINE = Site("resume.py", 44)


def found(
    before: float,
    given: float,
    *,
    took: float | None = None,
    asked: float | None = None,
    asked_given: float | None = None,
    default: float | None = 1e-3,
    built: int = 1,
    iteration: int = 20,
) -> list[Finding]:
    data: dict[str, Any] = {
        "owner": "Adam", "kind": "optimizer", "missing": [], "unexpected": [], "built": 1,
        "rates_before": [before], "rates_given": [given], "rates_after": [given],
        "asked_before": [before if asked is None else asked],
        "asked_given": [given if asked_given is None else asked_given],
        "default_rate": default,
    }  # fmt: skip
    training = make_training(learning_rate={"group 0": [given if took is None else took]})
    training.built, training.began = built, 20
    event = Event("load_state", 0, data, LINE, iteration=iteration)
    return list(CHECK.review(make_run(training, events=[event])))


def test_a_lower_rate_that_was_asked_for_is_overwritten() -> None:
    (finding,) = found(1e-4, 1e-2)
    assert finding.where.site == LINE
    assert finding.summary == (
        "SGD #0 was built with a learning rate of 0.0001, but took its first step at 0.01: the "
        "state that it loaded brought its own"
    )


def test_at_the_limit_of_what_is_the_same_rate() -> None:
    assert found(1e-2, 1e-2 * (1 + 0.9e-6)) == []
    assert len(found(1e-2, 1e-2 * (1 + 1.1e-6))) == 1


def test_a_lower_rate_may_have_been_lowered_by_hand() -> None:
    (finding,) = found(1e-2, 1e-4)
    assert finding.severity == "note"


def test_a_rate_that_a_scheduler_changed_is_silent() -> None:
    assert found(1e-2, 1e-4, asked_given=1e-2) == []
    assert found(1e-6, 1e-4, asked=1e-2, asked_given=1e-2) == []  # both warm up


def test_a_new_base_under_a_scheduler_counts_in_either_direction() -> None:
    assert len(found(1e-1, 1e-4, asked_given=1e-2)) == 1


def test_a_rate_that_was_not_asked_for_is_silent() -> None:
    assert found(1e-3, 1e-2) == []
    assert len(found(1e-3, 1e-2, default=None)) == 1


def test_a_rate_that_is_set_after_the_load_is_silent() -> None:
    assert found(1e-4, 1e-2, took=1e-4) == []


def test_another_optimizer_and_a_rollback_are_silent() -> None:
    assert found(1e-4, 1e-2, built=2) == []
    assert found(1e-4, 1e-2, iteration=21) == []


def test_a_run_without_a_load_is_silent() -> None:
    assert list(CHECK.review(make_run(learning_rate={"group 0": [0.1]}))) == []
