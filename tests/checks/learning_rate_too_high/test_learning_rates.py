"""The two learning-rate checks on invented runs: each limit and each exception, from both sides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.optimizer.learning_rate_too_high import LearningRateTooHigh
from assay.checks.optimizer.learning_rate_too_low import LearningRateTooLow
from assay.journal.view import Event, RunView
from assay.testing import make_run, make_training

CALL = {
    "fn": "cross_entropy", "place": "cross_entropy (train.py:9)", "reduction": "mean",
    "input": {"shape": [32, 10], "dtype": "float32"}, "in_graph": True,
    "target": {"shape": [32], "dtype": "int64"},
}  # fmt: skip


CHANCE = math.log(10)


def wavy(begin: float, end: float, steps: int) -> list[float]:
    """A straight line with a little noise, the same each time."""
    slope = (end - begin) / (steps - 1)
    return [begin + slope * i + 0.002 * math.sin(7 * i) for i in range(steps)]


def run(
    losses: Sequence[float],
    quality: Sequence[float] = (),
    stress: Sequence[float] = (),
    rates: Sequence[float] = (0.1,),
    **more: Any,
) -> RunView:
    """A run of a classifier with ten classes; stress is rate x sharpness over its limit."""
    at = [0, 26][: len(stress)] if len(stress) > 1 else [26]
    signals: dict[str, Any] = {
        "loss": list(losses),
        "loss_call_value": {CALL["place"]: list(losses)},
        "learning_rate": {"group 0": list(rates)},
        "step_quality": list(quality),
        **more,
    }
    if stress:
        signals["rate_times_sharpness"] = dict(zip(at, (2 * s for s in stress), strict=True))
        signals["stability_limit"] = dict.fromkeys(at, 2.0)
    return make_run(make_training(**signals), events=[Event("loss_call", 0, CALL)])


def high(view: RunView) -> list[Finding]:
    return list(LearningRateTooHigh().review(view))


def low(view: RunView) -> list[Finding]:
    return list(LearningRateTooLow().review(view))


AT_CHANCE = [CHANCE, *wavy(2.6, 2.32, 199)]


GOOD = [0.9] * 30


def test_damage_and_a_rate_above_the_stability_limit_is_an_error() -> None:
    (finding,) = high(run(AT_CHANCE, GOOD, stress=(4.0, 0.1)))
    assert (finding.severity, finding.tier) == ("error", "probe")
    assert "8" in finding.summary
    assert finding.tricks[0].name == "lr"
    assert float(finding.tricks[0].value[1:]) == pytest.approx(1 / 12, rel=0.02)


def test_damage_alone_is_not_the_rates_fault() -> None:
    assert high(run(AT_CHANCE, GOOD, stress=(0.2, 0.1))) == []
    assert high(run(AT_CHANCE)) == []


def test_a_rate_above_the_limit_that_learns_is_the_edge_of_stability() -> None:
    assert high(run(wavy(2.3, 0.3, 200), [0.3, -0.2] * 15, stress=(4.0, 2.0))) == []


@pytest.mark.parametrize(
    ("quality", "expected"),
    [
        ([0.9] * 20 + [-0.5] * 10, ["error"]),  # a third of the steps did harm
        ([0.9] * 27 + [-0.5] * 3, []),
        ([0.05] + [0.9] * 29, ["warning"]),  # one of the first did next to nothing
        ([0.9] * 10 + [0.05] + [0.9] * 19, []),
        ([-1.0, -1.0, -1.0] + [0.9] * 27, ["error"]),
        ([-1.0] * 4, ["warning"]),  # too few to count shares
    ],
)
def test_what_step_quality_says_of_a_run_at_chance(
    quality: list[float], expected: list[str]
) -> None:
    assert [f.severity for f in high(run(AT_CHANCE, quality))] == expected


def test_a_few_harmful_steps_count_where_the_loss_ends_worse_than_a_constant() -> None:
    quality = [0.9] * 27 + [-0.5] * 3
    assert len(high(run([CHANCE, *wavy(2.4, 4.0, 199)], quality))) == 1


def test_a_loss_thrown_far_up_is_a_cause() -> None:
    losses = [*[CHANCE] * 8, 40.0, *wavy(10.0, 2.33, 191)]
    (finding,) = high(run(losses, [*GOOD[:7], -1.0, *GOOD[8:]]))
    assert "threw the loss" in finding.summary
    assert high(run(losses)) != [], "no step was measured"
    assert high(run(losses, GOOD)) == [], "batches differ so"


def test_partial_damage_needs_the_whole_story_and_is_a_warning() -> None:
    thrown = [CHANCE, 40.0, *wavy(10.0, 1.6, 40), *wavy(1.6, 1.5, 158)]
    harmful = [-1.0, -1.0, -1.0, *[0.9] * 27]
    assert [f.severity for f in high(run(thrown, harmful))] == ["warning"]
    assert high(run(thrown, GOOD)) == []
    assert high(run(wavy(2.3, 1.6, 200), harmful)) == []


FELL_AND_STANDS = [*wavy(CHANCE, 0.5, 50), *wavy(0.5, 0.5, 150)]


def test_a_loss_that_stands_while_steps_do_nothing_of_what_they_promise() -> None:
    vain = [0.0, 0.02, 0.069, 0.2] * 5
    (finding,) = high(run(FELL_AND_STANDS, sorted(vain)[:-5] + [0.069] * 5))
    assert finding.severity == "warning"
    assert "less than 6.9%" in finding.summary


@pytest.mark.parametrize(
    ("losses", "quality"),
    [
        pytest.param(FELL_AND_STANDS, [0.05] * 14 + [0.07] * 6, id="steps that do 7 %"),
        pytest.param(FELL_AND_STANDS, [0.05] * 19, id="19 samples"),
        pytest.param([*wavy(CHANCE, 0.5, 50), *wavy(0.5, 0.4, 150)], [0.05] * 20, id="still falls"),
        pytest.param([*wavy(CHANCE, 0.1, 50), *wavy(0.1, 0.1, 150)], [0.05] * 20, id="learnt"),
    ],
)
def test_losses_that_stand_for_other_reasons_are_left_alone(
    losses: list[float], quality: list[float]
) -> None:
    assert high(run(losses, quality)) == []


def test_a_loss_that_ends_in_nan_with_harmful_steps() -> None:
    losses = [CHANCE, 3.0, 9.0, *[math.nan] * 60]
    assert [f.severity for f in high(run(losses, [-1.0] * 8))] == ["error"]
    assert high(run(losses[:1] + losses[3:], [0.9] * 8)) == []  # NaN of another cause


def test_nan_that_a_batch_brought_in_is_not_the_rates_fault() -> None:
    losses = [*wavy(2.3, 2.2, 100), *[math.nan] * 20]
    nan = {0: 0.0, 100: 0.01}
    spoiled = {"input_nan_share": {"input 0": nan}, "input_nonfinite_share": {"input 0": nan}}
    assert high(run(losses, [-1.0] * 30, **spoiled)) == []
    origin = {"kind": "input", "place": "mat1 of Addmm", "share": 0.1, "module": "0"}
    traced = run(losses, [-1.0] * 30)
    traced.all_events.append(Event("nonfinite_origin", 100, origin, training=0))
    assert high(traced) == []
    later = {0: 0.0, 110: 0.01}  # the loss was NaN before
    spoiled = {"input_nan_share": {"input 0": later}, "input_nonfinite_share": {"input 0": later}}
    assert len(high(run(losses, [-1.0] * 30, **spoiled))) == 1


@pytest.mark.parametrize("check", [high, low])
def test_several_optimizers_and_unknown_objectives_are_not_judged(check: Any) -> None:
    bad = run(AT_CHANCE, [-1.0] * 30, stress=(4.0, 4.0))
    slow = run(wavy(2.3, 2.0, 200), [1.0] * 30, stress=(0.001, 0.001))
    for view in (bad, slow):
        view.trainings.append(make_training(index=1, loss=[1.0] * 200))
        assert check(view) == []
        view.trainings.pop()
        view.all_events.clear()
        assert check(view) == []


def test_a_rate_still_warming_up_is_not_judged() -> None:
    rates = [0.001 * i for i in range(200)]
    assert high(run(AT_CHANCE, [-1.0] * 30, stress=(4.0, 4.0), rates=rates)) == []
    assert low(run(wavy(2.3, 2.0, 200), [1.0] * 30, stress=(0.001,), rates=rates)) == []


SLOW = wavy(2.3, 2.0, 200)


STILL = wavy(2.3, 2.25, 200)


def test_a_loss_that_falls_by_a_tenth_makes_it_a_note() -> None:
    (finding,) = low(run(SLOW, [1.0] * 30, stress=(0.0005, 0.0005), rates=[1e-4]))
    assert finding.severity == "note"


def test_short_steps_on_a_flat_surface_with_a_high_loss() -> None:
    (finding,) = low(run(STILL, [1.0] * 30, stress=(0.0005, 0.0005), rates=[1e-4]))
    assert (finding.severity, finding.tier) == ("warning", "probe")
    assert finding.tricks[0].value == "x100"
    assert "0.01 instead of 0.0001" in finding.try_[0]


@pytest.mark.parametrize(
    ("losses", "quality", "stress"),
    [
        (SLOW, [0.97] * 30, (0.001,)),  # steps that notice curvature
        (SLOW, [1.0] * 30, (0.1,)),  # a rate that could not rise thirtyfold
        (SLOW, [1.0] * 7, (0.001,)),  # too few samples
        (SLOW[:80], [1.0] * 30, (0.001,)),  # too short a run
        (wavy(2.3, 0.8, 200), [1.0] * 30, (0.001,)),  # well under way
        ([CHANCE] * 50 + wavy(2.0, 1.999, 300), [1.0] * 30, (0.001,)),  # falls no more
        (SLOW, [0.988] * 30, ()),  # no sharpness: r alone must be closer to 1
    ],
)
def test_right_rates_are_left_alone(
    losses: list[float], quality: list[float], stress: tuple[float, ...]
) -> None:
    assert low(run(losses, quality, stress)) == []


def test_without_second_derivatives_step_quality_decides() -> None:
    (finding,) = low(run(SLOW, [0.999] * 30))
    assert finding.tricks[0].value == "x10"
    rates = [0.001] * 40 + [0.01] * 40 + [0.001] * 120
    assert low(run(SLOW, [0.999] * 30, rates=rates)) == []


def test_a_rate_too_small_for_any_fall_to_be_seen() -> None:
    flat = wavy(2.3026, 2.3026, 200)
    assert len(low(run(flat, [1.0] * 30, stress=(1e-6,)))) == 1
    assert low(run(flat, [1.0] * 30, stress=(1e-3,))) == []


def test_sharpness_met_during_warm_up_is_scaled_to_the_peak() -> None:
    rates = [0.001] * 40 + [0.1] * 100 + [0.01] * 60
    assert low(run(SLOW, [1.0] * 30, stress=(0.001,), rates=rates)) == []
    assert len(low(run(SLOW, [1.0] * 30, stress=(0.0001,), rates=rates))) == 1


STEPS = 200


FALL = [2.3 - 0.02 * i + 0.002 * math.sin(7 * i) for i in range(100)]  # to 0.32


def raised(
    after: Sequence[float],
    quality: Sequence[float] = (),
    factor: float = 20.0,
    at: int = 100,
    by: str = "script",
    line: list[Any] | None = None,
) -> RunView:
    """A rate that is multiplied after half of the steps, and the losses and qualities since."""
    training = make_training(
        loss=[*FALL, *after],
        learning_rate={"group 0": [0.1] * at + [0.1 * factor] * (STEPS - at)},
        step_quality=dict(enumerate([0.9] * 32)) | dict(enumerate(quality, at)),
    )
    data = {"before": 0.1, "after": 0.1 * factor, "by": by, "line": line}
    return make_run(training, events=[Event("rate_changed", at, data, training=0)])


def test_a_jump_that_undoes_what_was_learnt_is_named_with_its_step_and_line() -> None:
    (found,) = high(raised([1.6] * 100, [-0.5] * 8, line=["train.py", 33, "adjust"]))
    assert (found.severity, found.tier, found.steps[0]) == ("error", "probe", 100)
    assert "went from 0.1 to 2 at step 100, by hand" in found.summary
    assert str(found.where.site) == "train.py:33"
    assert found.onset == (100, 100)
    (found,) = high(raised([1.6] * 100, [-0.5] * 8, by="scheduler"))
    assert "by a scheduler" in found.summary
    assert str(found.where.site) == "train.py:5"


@pytest.mark.parametrize(
    ("after", "quality", "factor", "severity"),
    [
        ([1.4] * 100, [-0.5] * 8, 20, "error"),  # more than half of 1.98 is lost
        ([1.2] * 100, [-0.5] * 8, 20, "warning"),  # less than half, but the loss has doubled
        ([0.6] * 100, [-0.5] * 8, 20, None),  # it has not
        ([1.6] * 30 + [0.3] * 70, [-0.5] * 8, 20, None),  # it recovered
        ([1.6] * 100, [-0.5] * 8, 1.9, None),  # a schedule goes up like this
        ([0.3] * 50 + [1.6] * 50, [0.5] * 8, 20, None),  # not at once, and the steps did no harm
        ([1.6] * 100, [0.5] * 8, 20, "warning"),  # no step was seen to do harm
        ([math.nan] * 100, [], 20, "error"),
        ([1.6] * 6, [-0.5] * 8, 20, None),  # too few losses to tell
    ],
)
def test_a_jump_is_judged_by_what_came_of_it(
    after: list[float], quality: list[float], factor: float, severity: str | None
) -> None:
    found = high(raised(after, quality, factor))
    assert [f.severity for f in found] == ([severity] if severity else [])


def test_the_constant_loss_need_not_be_known_for_a_jump() -> None:
    check, view = LearningRateTooHigh(), raised([1.6] * 100, [-0.5] * 8)
    assert check.why_skipped(view) is None
    view = raised([0.3] * 100, factor=1.0)
    assert check.why_skipped(view) is not None


def test_a_rate_that_has_come_to_rest_is_not_warming_up() -> None:
    rates = [0.01 * i for i in range(1, 11)]
    view = run(wavy(2.3, 2.3, 100), [-0.5] * 20, rates=rates + [0.1] * 90)
    assert LearningRateTooHigh().why_skipped(view) is None
    view = run(wavy(2.3, 2.3, 100), [-0.5] * 20, rates=[0.001 * i for i in range(1, 101)])
    assert "warming up" in str(LearningRateTooHigh().why_skipped(view))
