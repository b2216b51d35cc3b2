"""Remedies: which tricks are tried for a finding, with which values."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checks.finding import Finding, Remedy
from assay.diagnosis import Diagnosis
from assay.journal.view import RunView
from assay.testing import make_run
from assay.trials.plan import candidate_of
from assay.trials.remedies import exploration, mending, on_top, remedies
from assay.trials.reverse import Reverse
from assay.trials.verdict import Verdict
from assay.tricks.reading import read_all


def finding(check: str, *tricks: Remedy, **facts: Any) -> Finding:
    return Finding(
        check, "model", facts.pop("severity", "error"), facts.pop("tier", "exact"), "", "",
        tricks=tricks, **facts,
    )  # fmt: skip


def names(view: RunView, *findings: Finding) -> list[list[str]]:
    tiers = remedies(view, Diagnosis(findings, ()))
    return [[candidate.name for candidate in tier] for tier in tiers]


RUN = make_run(loss=[1.0] * 100, learning_rate={"group 0": [0.1] * 100})


def test_a_healthy_run_has_no_remedy() -> None:
    assert names(RUN) == []
    assert names(RUN, finding("a")) == []


def test_what_a_note_points_to_is_tried_where_nothing_graver_was_found() -> None:
    notes = [finding(name, Remedy("init", name), severity="note") for name in ("he", "xavier")]
    assert names(RUN, *notes) == [["init=he", "init=xavier"]]
    assert names(RUN, *notes, finding("a", Remedy("zero-grad"))) == [["zero-grad"]]


def test_causes_come_before_what_they_explain() -> None:
    cause = finding("cause", Remedy("zero-grad"))
    symptom = finding("symptom", Remedy("clip-norm", "1"), Remedy("zero-grad"))
    symptom = symptom.as_symptom(("cause",))
    assert names(RUN, symptom, cause) == [["zero-grad"], ["clip-norm=1.0"]]


def test_each_cause_is_cured_alone_before_all_are_cured_together() -> None:
    found = names(RUN, finding("a", Remedy("zero-grad")), finding("b", Remedy("init", "he")))
    assert found == [["zero-grad", "init=he"], ["init=he+zero-grad"]]


def test_what_is_surest_comes_first_and_alone() -> None:
    found = names(
        RUN,
        finding("curve", Remedy("clip-norm", "1"), tier="heuristic", severity="warning"),
        finding("measured", Remedy("lr", "x0.1"), Remedy("lr", "x0.3"), tier="probe"),
        finding("seen", Remedy("train-mode"), severity="warning"),
        finding("symptom", Remedy("warmup", "9")).as_symptom(("seen",)),
    )
    assert found == [
        ["train-mode"],
        ["lr=x0.1", "lr=x0.3"],
        ["clip-norm=1.0"],
        ["train-mode+clip-norm=1.0+lr=x0.1", "train-mode+lr=x0.1", "train-mode+lr=x0.3"],
        ["warmup=9"],
    ]


def test_a_symptom_is_treated_where_its_cause_has_no_remedy() -> None:
    symptom = finding("b", Remedy("lr", "x0.1"), tier="probe").as_symptom(("a",))
    assert names(RUN, finding("a"), symptom) == [["lr=x0.1"]]


def test_a_rate_that_threw_the_run_away() -> None:
    found = names(
        RUN,
        finding("a", Remedy("lr", "x2e-9"), Remedy("warmup", "9"), Remedy("lr", "x0.3")),
    )
    # measured far off: not believed to the letter
    assert found == [["lr=x0.01", "warmup=9", "lr=x0.3"]]


def test_a_rate_that_is_far_too_low() -> None:
    found = names(RUN, finding("a", *(Remedy("lr", f"x{f}") for f in (100, 10, 1000))))
    assert found == [["lr=x1e+02", "lr=x3e+02", "lr=x10", "lr=x1e+03", "lr=x3e+03"]]


def test_an_unknown_trick_or_value_is_left_out() -> None:
    assert names(RUN, finding("a", Remedy("no-such"), Remedy("clip-norm", "-1"))) == []


def test_a_clipping_limit_from_the_measured_norms() -> None:
    view = make_run(
        loss=[1.0] * 10, grad_norm=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 1000.0]
    )
    tier = remedies(view, Diagnosis((finding("a", Remedy("clip-norm")),), ()))[0]
    assert [candidate.name for candidate in tier] == ["clip-norm=9.0"]
    assert "90 %" in tier[0].why
    assert names(view, finding("a", Remedy("clip-norm", "1.0"))) == [
        ["clip-norm=1.0", "clip-norm=9.0"]
    ]
    assert names(view, finding("a", Remedy("clip-norm", "8.0"))) == [["clip-norm=8.0"]]


def test_no_limit_is_taken_from_gradients_that_have_burst() -> None:
    view = make_run(
        loss=[1.0] * 10, grad_norm=[7e14] * 10, weight_norm={"layer.weight": [3.0] * 10}
    )
    assert names(view, finding("a", Remedy("clip-norm", "1.0"))) == [["clip-norm=1.0"]]
    assert names(view, finding("a", Remedy("clip-norm", "7e14"))) == [["clip-norm=7e+14"]]


def test_a_rate_from_sharpness() -> None:
    view = make_run(
        loss=[1.0] * 100,
        learning_rate={"group 0": [0.1] * 100},
        rate_times_sharpness={5: 20.0, 50: 3.0},
        stability_limit={5: 2.0, 50: 2.0},
    )
    # half of 2 over the sharpest 20
    assert names(view, finding("a", Remedy("lr"))) == [["lr=x0.05"]]
    assert names(view, finding("a", Remedy("lr", "x0.1"))) == [["lr=x0.1", "lr=x0.05"]]
    # a measurement that says lower is no value for a remedy that says higher
    assert names(view, finding("a", Remedy("lr", "x10"))) == [["lr=x10"]]


@pytest.mark.parametrize(
    ("quality", "rate"), [(0.95, "lr=x10"), (-1.0, "lr=x0.25"), (0.99999, "lr=x30")]
)
def test_a_rate_from_step_quality(quality: float, rate: str) -> None:
    view = make_run(
        loss=[1.0] * 100, learning_rate={"group 0": [0.1] * 100}, step_quality=[quality] * 50
    )
    assert names(view, finding("a", Remedy("lr"))) == [[rate]]


def test_a_rate_where_nothing_was_measured() -> None:
    assert names(RUN, finding("a", Remedy("lr"))) == [["lr=x0.1", "lr=x0.3"]]
    assert names(RUN, finding("a", Remedy("lr", "0.01"))) == [["lr=x0.1"]]


def test_a_warm_up_as_long_as_the_first_steps_went_wrong() -> None:
    view = make_run(loss=[1.0] * 500, step_quality=[-1.0] * 20 + [0.5] * 80)
    assert names(view, finding("a", Remedy("warmup"))) == [["warmup=40", "warmup=200"]]
    assert names(RUN, finding("a", Remedy("warmup"))) == [["warmup=10", "warmup=40"]]
    assert names(RUN, finding("a", Remedy("warmup", "7"))) == [["warmup=7"]]


def test_never_more_than_eight() -> None:
    many = [finding(str(i), Remedy("clip-norm", str(2.0**i))) for i in range(20)]
    assert sum(len(tier) for tier in names(RUN, *many)) == 8


def test_what_a_cure_uncovers_is_treated_on_top_of_it() -> None:
    cure = candidate_of(read_all(["train-mode"]), ("mode",))
    more = finding("burst", Remedy("train-mode"), Remedy("clip-norm", "1"), Remedy("lr", "x0.1"))
    found = on_top(cure, RUN, Diagnosis((more,), ()))
    assert [(c.name, c.checks) for c in found] == [
        ("train-mode+clip-norm=1.0", ("mode", "burst")), ("train-mode+lr=x0.1", ("mode", "burst")),
    ]  # fmt: skip


def verdict(tricks: str, *checks: str, mends: bool = True, barred: str = "leaves x") -> Verdict:
    candidate = candidate_of(read_all(tricks.split("+")), checks)
    return Verdict(candidate, "undecided", "", reverse=Reverse(mends=mends), barred=barred)


def test_what_mends_broken_invariants_and_is_no_cure_is_built_on() -> None:
    assert mending([]) is None
    assert mending([verdict("train-mode", "mode", mends=False)]) is None
    assert mending([verdict("train-mode", "mode", barred="")]) is None, "it may be the cure"
    one = verdict("train-mode", "mode")
    assert mending([one, verdict("lr=0.1", "rate", mends=False)]) is one.candidate
    # the first remedy of each, and two that exclude each other are not joined
    both = mending([verdict("logits", "softmax"), one, verdict("train-mode+lr=2", "mode")])
    assert both is not None
    assert (both.name, both.checks) == ("train-mode+logits", ("softmax", "mode"))
    assert mending([verdict("amp", "half"), verdict("use-scaler", "scaler")]) is None


def test_exploration_has_something_to_try() -> None:
    assert len(exploration(RUN)[0]) >= 3
