"""Unit tests of `rank-hangs`, on invented runs."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checks.distributed.rank_hangs import RankHangs
from assay.checks.finding import Finding
from assay.journal.deaths import Death
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = RankHangs()
BARRIER, BACKWARD = ("barrier", "collective", 41), ("backward", "backward", 35)
NOWHERE = ("", "", 30)


def found(
    *at: tuple[str, str, int],
    still: float = 20.0,
    fixed: tuple[bool, ...] = (True, True, True),
    world: int | None = None,
    **facts: Any,
) -> list[Finding]:
    events: list[Event[Any]] = [Event("joined", 0, {"world": 2, "backend": "gloo"})]
    for rank, (call, kind, line) in enumerate(at):
        data = {
            "rank": rank, "pid": rank, "world": world or len(at), "still_s": still,
            "call": call, "kind": kind, "fixed": fixed[rank],
        }  # fmt: skip
        events.append(Event("standing", 20, data, Site("train.py", line), process=rank))
    facts = {"world": 2, "exit_code": 1, **facts}
    run = make_run(loss=[1.0] * 20, events=events, facts=facts)
    assert CHECK.why_skipped(run) is None
    return list(CHECK.review(run))


def test_two_calls() -> None:
    (finding,) = found(BACKWARD, BARRIER)
    assert finding.summary == (
        "no rank took a step for 20 s and more: rank 1 in barrier() (train.py:41) after 20 steps, "
        "rank 0 in backward() (train.py:35) after 20 steps"
    )
    assert finding.where.site == Site("train.py", 41)
    assert finding.also == (Site("train.py", 35),)


def test_a_call_of_the_fewest_comes_first() -> None:
    other = ("all_reduce", "collective", 50)
    (finding,) = found(BARRIER, BARRIER, other)
    assert finding.where.site == Site("train.py", 50)
    assert "ranks 0 and 1 in barrier()" in finding.summary


def test_one_that_stands_elsewhere() -> None:
    (finding,) = found(BARRIER, NOWHERE)
    assert "rank 1 at train.py:30 after 20 steps" in finding.summary


def test_one_that_has_ended() -> None:
    ended = [{"pid": 0, "rank": 0}, {"pid": 1, "rank": 1, "ended": True}]
    (finding,) = found(BACKWARD, world=2, processes=ended, exit_code=None, signal=2)
    assert finding.summary.endswith("rank 0 in backward() (train.py:35) after 20 steps; "
                                    "rank 1 had ended")  # fmt: skip


def test_the_same_call() -> None:
    (finding,) = found(BARRIER, BARRIER, exit_code=0, deaths=[Death(0, 1, 20), Death(1, 1, 20)])
    assert "did not come through" in finding.why


@pytest.mark.parametrize(
    "given",
    [
        {"exit_code": 0},  # it went on, and came to its end
        {"still": 4.9},
        {"fixed": (True, False)},  # one was at work
        {"world": 3},  # of the third nothing is known
        {"world": 3, "deaths": [Death(2, -9, 10)]},  # the third has died
    ],
)
def test_right_ones_are_silent(given: dict[str, Any]) -> None:
    assert found(BARRIER, BACKWARD, **given) == []


def test_where_nobody_waits_or_trains_with_others() -> None:
    assert found(NOWHERE, NOWHERE) == []
    assert "trained alone" in str(CHECK.why_skipped(make_run(loss=[1.0])))
    assert found() == []
