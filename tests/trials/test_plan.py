"""Candidates are read, joined and told apart; bad ones are refused with one line."""

from __future__ import annotations

import re

import pytest

from assay.trials.plan import CONTROL, PLACEBO, Candidate, Job, candidate_of, distinct, together
from assay.tricks.base import TrickError
from assay.tricks.reading import read_all


def candidate(text: str) -> Candidate:
    return candidate_of(read_all([text]))


def test_several_tricks_in_one_candidate_stand_in_the_order_in_which_they_act() -> None:
    one = candidate("ema=0.99+clip-norm=1e+3")
    assert one.words == ("clip-norm=1000.0", "ema=0.99")
    assert one.name == "clip-norm=1000.0+ema=0.99"
    assert one.trick_names == ("clip-norm", "ema")
    assert candidate("clip-norm=1000+ema=0.99") == one


def test_accumulated_batches_are_counted() -> None:
    assert candidate("ema=0.9+accumulate=4").batches_per_step == 4
    assert CONTROL.batches_per_step == 1


def test_plus_in_a_value_is_no_join() -> None:
    schedule = candidate("schedule=multi-step,milestones=10+20")
    assert schedule.trick_names == ("schedule",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nonsense=1", "unknown trick"),
        ("clip-nrm=1", "did you mean clip-norm"),
        ("clip-norm=-1", "above 0"),
        ("clip-norm=much", "expected a number"),
        ("clip-norm", "needs"),
        ("clip-norm=1,colour=red", "colour"),
        ("clip-norm=1+", "each side of +"),
        ("", "each side of +"),
        ("clip-norm=1+clip-norm=2", "more than once"),
    ],
)
def test_what_cannot_be_read(text: str, says: str) -> None:
    with pytest.raises(TrickError, match=re.escape(says)) as caught:
        candidate(text)
    assert "\n" not in str(caught.value)


def test_together_and_distinct() -> None:
    clip, ema, same = (candidate(t) for t in ("clip-norm=1", "ema=0.9", "clip-norm=1.0"))
    assert distinct([clip, ema, same]) == [clip, ema]
    assert together([ema, clip, same]).words == ("clip-norm=1.0", "ema=0.9")
    with pytest.raises(TrickError):
        together([clip, candidate("clip-norm=2")])


def test_keys_tell_runs_apart() -> None:
    clip = candidate("clip-norm=1")
    jobs = [
        Job(CONTROL, 0), Job(CONTROL, 1), Job(CONTROL, 0, 10), Job(clip, 0), Job(PLACEBO, 0),
    ]  # fmt: skip
    keys = [job.key(["python", "train.py"]) for job in jobs]
    keys.append(jobs[0].key(["python", "train.py", "--lr", "1"]))
    assert len(set(keys)) == len(keys)
    # a bound on time does not change what a run that keeps it finds
    bounded = Job(CONTROL, 0, seconds=5.0)
    assert bounded.key(["python", "train.py"]) == keys[0]
    assert bounded.key(["python", "train.py"], bounded=True) != keys[0]
