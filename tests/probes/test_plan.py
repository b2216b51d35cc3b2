"""Which iterations are sampled, and what is dear: step by step, with seconds that are given."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from assay.watching import budget as budget_module
from assay.watching.budget import Budget
from assay.watching.plan import SamplePlan


def plan(share: float = 0.01, opening: int = 32) -> SamplePlan:
    return SamplePlan(Budget(share), opening)


def sampled(made: SamplePlan, until: int, *, own_s: float = 0.0, step_s: float = 0.01) -> list[int]:
    """The iterations that are sampled, each at the same cost."""
    found = []
    for iteration in range(until):
        if iteration == made.next:
            found.append(iteration)
            made.sampled(iteration, own_s, own_s + step_s, own_s)
    return found


def test_all_of_an_opening_and_then_every_other_one() -> None:
    found = sampled(plan(), 64)
    assert found[:32] == list(range(32))
    assert [b - a for a, b in pairwise(found[32:])].count(1) <= 8
    assert len(found) in (48, 49)
    small = sampled(plan(opening=4), 20)
    assert small[:4] == [0, 1, 2, 3]
    assert len(small) == 12


def test_what_a_plan_knows_of_itself() -> None:
    made = plan(opening=4)
    assert (made.next, made.taken, made.last, made.began) == (0, 0, None, 0)
    assert [made.is_opening(at) for at in (0, 3, 4)] == [True, True, False]
    found = sampled(made, 30)
    assert (made.taken, made.last) == (len(found), found[-1])
    assert made.next > found[-1]


def test_gaps_grow_by_a_sixteenth_of_the_iterations_and_then_by_an_eighth() -> None:
    gaps = [(b, b - a) for a, b in pairwise(sampled(plan(), 8000))]
    for at, gap in ((300, 236 / 16), (2000, 448 / 16 + 1488 / 8), (5500, 448 / 16 + 4988 / 8)):
        near = [gap for b, gap in gaps if abs(b - at) < at / 4]
        assert sum(near) / len(near) == pytest.approx(gap, rel=0.2)
    found = sampled(plan(), 4000)
    dense = sampled(plan(share=0.02), 4000)
    assert len(dense) == pytest.approx(2 * len(found), rel=0.35)
    assert sampled(plan(share=1.0), 200) == list(range(200))


def test_each_fourth_of_those_that_lie_spread_is_thorough() -> None:
    made = plan(opening=4)
    found = []
    for iteration in range(40):
        if iteration == made.next:
            found.append(made.is_thorough(iteration))
            made.sampled(iteration, 0.0, 0.01, 0.0)
    assert found[:4] == [True] * 4
    assert found[4:13] == [True, False, False, False, True, False, False, False, True]


def test_another_opening() -> None:
    made = plan(opening=4)
    sampled(made, 20)
    assert made.open(20)
    assert (made.began, made.next) == (21, 21)
    assert [made.is_opening(at) for at in (20, 21, 24, 25)] == [False, True, True, False]
    assert all(made.is_thorough(at) for at in range(21, 25))
    made.open(22)
    assert made.began == 23
    assert made._opened == 4 + 4 + 2  # those in both count once


def test_the_seventeenth_opening_comes_when_an_eighth_has_passed() -> None:
    made = plan(opening=4)
    for number in range(1, 16):
        assert made.open(100 * number)
    assert not made.open(1500 + 1500 // 8 - 1)
    assert made.began == 1501
    assert made.open(1500 + 1500 // 8)
    assert made.began == 1688
    assert not made.open(1687 + 1687 // 8 - 1)
    assert made.open(1687 + 1687 // 8)


def test_short_windows_of_one_cause() -> None:
    made = plan(opening=4)
    sampled(made, 100)
    assert made.request(100, "a")
    assert made.next == 101
    assert [made.is_thorough(at) for at in (101, 108)] == [True, True]
    assert made._until == 109
    assert made.request(104, "a")  # within the one that is open
    assert made._windows == {"a": 1}
    for at in (200, 300, 400):
        assert made.request(at, "a")
    assert made._windows == {"a": 4}
    assert not made.request(450, "a")
    assert not made.request(499, "a")
    assert made.request(450, "b")
    assert made.request(500, "a")
    assert made._windows == {"a": 5, "b": 1}
    assert made.request(900, "c", length=3)
    assert made._until == 904


def test_one_sample_alone() -> None:
    made = plan(opening=4)
    sampled(made, 1000)
    made.next = 1050
    assert made.request_one(1000, "a")
    assert made.next == 1001
    assert made.is_thorough(1001)
    assert not made.request_one(1001, "a")
    assert not made.request_one(1000 + 97, "a")  # as far as samples lie apart at 1064
    assert made.request_one(1002 + 97, "a")
    other = plan(opening=4)
    sampled(other, 1000)
    other.next = 1050
    other.request_one(1000, "a")
    other.request_one(1030, "b")
    assert other.next == 1001
    other.sampled(1001, 0.0, 0.01, 0.0)
    assert other.next > 1001


def test_gaps_are_told_when_they_change() -> None:
    made, told = plan(opening=4), []
    made.on_thinned = lambda iteration, gap: told.append((iteration, gap))
    for iteration in range(40):
        if iteration == made.next:
            made.sampled(iteration, 0.1, 0.11, 0.1)
    gaps = [gap for _, gap in told]
    assert gaps == sorted(set(gaps))
    assert gaps[-1] == 32  # four times a sample of ten steps, to the power of two that is nearest
    assert made.budget.is_dear


# -- what is dear -------------------------------------------------------------------------------


def budget(samples: list[float], plain: list[float], share: float = 0.01) -> Budget:
    made = Budget(share)
    for seconds in plain:
        made.plain(seconds)
    for seconds in samples:
        made.sampled(seconds, seconds, seconds, opening=False)
    return made


def test_what_a_sample_and_a_step_take() -> None:
    made = Budget(0.01)
    assert (made.plain_s, made.sample_s, made.spent_s, made.opening_s) == (0, 0, 0, 0)
    made.sampled(0.2, 0.5, 0.3, opening=True)
    assert made.sample_s == 0.2  # no more of CPU than by the clock
    assert made.plain_s == pytest.approx(0.3)
    assert (made.spent_s, made.opening_s) == (0.2, 0.2)
    made.sampled(0.4, 0.4, 0.1, opening=False)
    made.sampled(0.6, 0.6, 0.1, opening=False)
    assert made.sample_s == 0.1
    assert made.plain_s == pytest.approx(0.3)
    assert made.spent_s == pytest.approx(1.2)
    assert made.opening_s == 0.2
    made.overhead(1.0)
    assert made.spent_s == pytest.approx(2.2)
    many = budget([*[9.0] * 8, *[1.0] * 8], [*[9.0] * 16, *[1.0] * 16])
    assert (many.sample_s, many.plain_s) == (1, 1)
    odd = budget([3.0, 1.0, 2.0], [5.0, 4.0, 7.0, 6.0])
    assert (odd.sample_s, odd.plain_s) == (2, 6)
    done = Budget(0.01)
    done.sampled(0.5, 0.3, 0.5, opening=True)
    assert done.plain_s == 1e-6


@pytest.mark.parametrize(
    ("sample", "plain", "share", "gap"),
    [
        (0.05, 0.001, 0.01, 1),
        (0.06, 0.06, 0.01, 2),
        (0.06, 0.12, 0.01, 1),
        (0.1, 0.01, 0.01, 32),
        (0.1, 0.01, 0.5, 32),
        (0.01, 0.01, 0.001, 32),
        (0.005, 0.01, 0.001, 1),
        (1.0, 1e-12, 0.01, 1 << 30),
    ],
)
def test_the_least_gap_between_samples(sample: float, plain: float, share: float, gap: int) -> None:
    made = budget([sample], [plain], share)
    assert made.thinning() == gap
    assert made.is_dear is (gap > 1)
    assert budget([sample], [], share).thinning() == 1


def test_gaps_have_slack_on_both_sides() -> None:
    made = budget([0.1], [0.01])
    assert made.thinning() == 32
    for plain, gap in ((0.04, 32), (0.049, 32), (0.055, 16), (0.02, 16), (0.0126, 16), (0.01, 32)):
        made._recent_s.clear()
        made.plain(plain)
        assert made.thinning() == gap, plain


def test_what_an_opening_may_take() -> None:
    made = budget([], [0.1])
    assert made.opening_left_s() == 3
    made = budget([], [0.5])
    assert made.opening_left_s() == 8
    made.sampled(2.0, 2.5, 1.5, opening=True)
    assert made.opening_left_s() == pytest.approx(6.5)
    made.open()
    assert made.opening_left_s() == 8


@pytest.mark.parametrize(
    ("sample", "spent", "left", "early", "gap"),
    [
        (0.1, 0.0, 30, False, 1),
        (0.1, 0.0, 31, False, 2),
        (0.1, 0.0, 61, False, 4),
        (0.1, 0.0, 61, True, 1),
        (0.1, 2.95, 8, True, 8),
        (0.1, 2.85, 8, False, 8),
        (0.1, 4.0, 8, False, 8),
        (0.1, 4.0, 8, True, 8),
        (0.1, 2.85, 8, True, 1),
    ],
)
def test_gaps_in_an_opening(sample: float, spent: float, left: int, early: bool, gap: int) -> None:
    made = budget([sample], [0.01])
    made._opened_s = spent
    assert made.opening_gap(left, early=early) == gap


def grants(made: Budget, until: int, *, steps: float = 30.0, seconds: float = 0.0) -> list[int]:
    """When one is made that nothing but its distances holds back."""
    found = []
    for iteration in range(until):
        if made.grant("a", iteration, began=0, opening=False, steps=steps):
            found.append(iteration)
            made._took_s["a"] = seconds
    return found


@pytest.mark.parametrize(
    ("steps", "seconds", "expected"),
    [
        (30.0, 0.0, [0, 480, 960, 1440, 1920]),
        (3.0, 0.0, [0, 45, 90, 135, 180]),
        (4.0, 0.0, [0, 64, 128, 192, 256]),
        (1.0, 0.0, [0, 15, 30, 45, 60]),
        (30.0, 10.0, [0, 900, 1800, 2700, 3600]),
        (30.0, 33.0, [0, 1920, 3840]),
    ],
)
def test_how_far_measurements_lie_apart(steps: float, seconds: float, expected: list[int]) -> None:
    made = Budget(0.01)
    made._openings = 1000  # it is rich
    found = grants(made, 4000, steps=steps, seconds=seconds)
    assert found[: len(expected)] == expected


def test_a_part_of_the_iterations_since_it_began() -> None:
    for steps, share in ((30.0, 1 / 3), (90.0, 1 / 3), (9.0, 0.1), (1.0, 1 / 32)):
        made = Budget(0.01)
        began = 100
        assert made.grant("a", 100_100, began=began, opening=False, steps=steps)
        assert made._due("a", steps) == pytest.approx(100_100 + 100_000 * share, abs=1)


def test_turns_are_taken_in_the_order_of_asking() -> None:
    made = Budget(0.01)

    def asks(who: str, iteration: int) -> bool:
        return made.grant(who, iteration, began=0, opening=False, steps=1.0)

    assert asks("a", 5)
    assert not asks("b", 5)  # one an iteration
    assert not asks("c", 5)
    assert not asks("c", 6)
    assert asks("b", 6)
    assert asks("c", 7)
    assert not asks("a", 8)  # not due
    assert not asks("d", 7)
    for at, granted in ((263, False), (264, True)):
        other = Budget(0.01)
        other._waiting["short"] = {"gone": 7}
        assert other.grant("e", at, began=0, opening=False, steps=1.0) is granted
        assert other.grant("f", at, began=0, opening=False, steps=4.0) is not granted
    for at, granted in ((1333, False), (1334, True)):  # a quarter of a long run
        other = Budget(0.01)
        other._waiting["short"] = {"gone": 1000}
        assert other.grant("e", at, began=0, opening=False, steps=1.0) is granted


@pytest.mark.parametrize(("steps", "at_first", "every"), [(3.0, 8, 6000), (6.0, 4, 6000)])
def test_what_measurements_come_to_is_a_share_of_the_iterations(
    steps: float, at_first: int, every: int
) -> None:
    made, found = Budget(0.01), []
    for iteration in range(40, 40_000, 20):
        for who in "abcd":  # takes turns, and so no kind has to wait for its own distance
            if made.grant(who, iteration, began=0, opening=False, steps=steps):
                made.charge(who, 0.0, opening=False)
                found.append(iteration)
    assert [at < 1000 for at in found].count(True) == at_first
    assert len(found) == at_first + 40_000 // every
    later = [b - a for a, b in pairwise(found[at_first:])]
    assert later == pytest.approx([every] * len(later), abs=20)


def test_the_first_of_a_kind_is_made_whatever_others_have_taken() -> None:
    made = Budget(0.01)
    made._steps["short"] = 1000.0
    assert made.grant("a", 40, began=0, opening=False, steps=1.0)
    assert not made.grant("a", 1000, began=0, opening=False, steps=1.0)
    assert made.grant("b", 1001, began=0, opening=False, steps=4.0)  # of another purse
    assert not made.grant("c", 1002, began=0, opening=False, steps=1.0)  # behind a
    made._waiting["short"].clear()
    assert made.grant("c", 1003, began=0, opening=False, steps=1.0)
    made.open()
    assert made.grant("a", 2000, began=1900, opening=False, steps=1.0)


def test_each_opening_fills_the_purses_and_a_larger_share_does() -> None:
    for share, openings, left in ((0.01, 1, 25.0), (0.01, 3, 73.0), (0.1, 1, 34.0)):
        made = Budget(share)
        for _ in range(openings - 1):
            made.open()
        made._made.update("ab")
        made._steps["long"] = left - 4.0 + 0.01
        assert not made.grant("a", 1000, began=0, opening=False, steps=4.0)
        made._steps["long"] = left - 4.0 - 0.01
        assert made.grant("a", 1000, began=0, opening=False, steps=4.0)


def test_what_it_came_to_counts_and_in_an_opening_nothing() -> None:
    made = Budget(0.01)
    for at, opening, steps in ((1, True, None), (200, False, None), (400, False, 2.5)):
        assert made.grant("a", at, began=0, opening=opening, steps=10.0)
        made.charge("a", 0.0, opening=opening, steps=steps)
    assert made._steps == {"short": 0.0, "long": 12.5}
    assert made.grant("b", 401, began=0, opening=False, steps=2.0)
    assert made.grant("c", 402, began=0, opening=False, steps=7.5)
    made.charge("b", 0.0, opening=False)  # a step later, as the curvature of one is measured
    assert made._steps == {"short": 2.0, "long": 12.5}


def test_in_an_opening_only_what_it_can_hold() -> None:
    made = budget([], [0.1])
    assert made.grant("a", 1, began=0, opening=True, steps=29.0)
    assert made.grant("a", 2, began=0, opening=True, steps=29.0)
    assert not made.grant("a", 3, began=0, opening=True, steps=31.0)
    made._took_s["a"] = 3.1
    assert not made.grant("a", 4, began=0, opening=True, steps=1.0)
    made._took_s["a"] = 2.9
    assert made.grant("a", 5, began=0, opening=True, steps=99.0)


@pytest.mark.parametrize(
    ("seconds", "share", "factor"),
    [(2.0, 0.01, 1), (2.1, 0.01, 2), (4.1, 0.01, 4), (0.5, 0.001, 4), (0.5, 0.5, 1)],
)
def test_what_takes_seconds_lies_farther_apart(seconds: float, share: float, factor: int) -> None:
    made = Budget(share)
    made._took_s["a"] = seconds
    assert made.spacing("a", 1.0) == factor
    assert budget([], [seconds], share).spacing("b", 1.0) == factor


def test_the_fastest_so_far_is_what_it_takes(monkeypatch: Any) -> None:
    times = iter([10.0, 12.0, 12.0, 15.0, 20.0, 20.5])
    monkeypatch.setattr(budget_module, "thread_time", lambda: next(times))
    made = Budget(0.01)
    for at, seconds, took in ((0, 9.0, 2.0), (900, 9.0, 2.0), (1900, 0.25, 0.25)):
        assert made.grant("a", at, began=0, opening=False, steps=1.0)
        made.charge("a", seconds, opening=at == 0)
        assert made._took_s["a"] == took
    assert made.spent_s == 18.25
    assert made.opening_s == 9
    assert made.opening_left_s() == 1
