"""Verdicts: what follows from which runs."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import pytest

from assay.trials.plan import PLACEBO, candidate_of
from assay.trials.result import Result
from assay.trials.verdict import Verdict, judge
from assay.tricks.reading import read_all

from .conftest import result

CLIP = candidate_of(read_all(["clip-norm=1.0"]), ("exploding-gradient",))


def runs(*losses: float, findings: Sequence[str] = ()) -> dict[int, Result]:
    return {seed: result(loss=loss, findings=findings) for seed, loss in enumerate(losses)}


def verdict(control: Sequence[float], treated: Sequence[float], **options: int) -> Verdict:
    wanted = options.pop("wanted", 3)
    return judge(CLIP, runs(*control), runs(*treated), wanted=wanted, **options)


@pytest.mark.parametrize(
    ("control", "treated", "outcome"),
    [
        ([2.0, 2.1, 2.2], [0.5, 0.52, 0.49], "proved"),
        ([0.5, 0.52, 0.49], [2.0, 2.1, 2.2], "harmful"),
        ([2.0, 2.1, 2.2], [2.0, 2.1, 2.2], "no effect"),
        ([2.0, 2.1, 2.2], [1.99, 2.09, 2.19], "no effect"),
        ([2.0, 2.1, 2.2], [2.1, 2.0, 2.25], "no effect"),
        # one seed gets worse: however much the others gain
        ([2.0, 2.1, 2.2], [0.1, 0.1, 2.3], "undecided"),
        # all gain, but how much is anybody's guess
        ([2.0, 2.1, 2.2], [1.9, 1.0, 0.01], "undecided"),
        # steady gains within what the seeds do are not beyond the noise floor
        ([1.0, 2.0, 4.0], [0.9, 1.8, 3.6], "no effect"),
        ([-2.0, -2.1, -2.2], [-9.0, -9.1, -9.2], "proved"),
        ([math.inf] * 3, [1.0, 2.0, 1.5], "proved"),
        ([1.0, 2.0, 1.5], [math.inf] * 3, "harmful"),
        # one run that came to nothing counts like the worst of the others, on both sides
        ([math.inf, 1.0, 1.1], [0.5, 0.5, 0.52], "proved"),
        ([0.5, 0.5, 0.52], [math.inf, 1.0, 1.1], "harmful"),
        ([math.inf, 1.0, 1.1], [0.9, 0.95, 0.8], "undecided"),
        ([math.inf, 1.0, 1.1], [0.5, 0.5, 1.2], "undecided"),
        ([math.inf, 1.0, 1.1], [math.inf, 0.5, 0.5], "undecided"),
        ([math.inf] * 3, [math.inf] * 3, "no effect"),
    ],
)
def test_outcomes(control: list[float], treated: list[float], outcome: str) -> None:
    assert verdict(control, treated).outcome == outcome


def test_with_six_seeds_diverging_now_and_then_is_cured() -> None:
    inf = math.inf
    mixed = [inf, 1.0, 1.1, inf, 1.0, 1.2]
    assert verdict(mixed, [0.5] * 6, wanted=6).outcome == "proved"


def test_fewer_seeds_than_wanted_prove_only_what_two_can() -> None:
    assert verdict([2.0], [0.1]).outcome == "undecided"
    assert "1 of 3 seeds" in verdict([2.0], [0.1]).why
    assert verdict([2.0, 2.0], [2.0, 2.0]).outcome == "undecided"


def test_the_screening_seed_is_no_part_of_the_proof_but_must_improve() -> None:
    control, treated = [2.0, 2.1, 2.2, 2.0], [0.5, 0.52, 0.49, 0.5]
    proved = verdict(control, treated, screened=0)
    assert proved.outcome == "proved"
    assert proved.effect is not None
    assert len(proved.effect.differences) == 3
    assert proved.seeds == (0, 1, 2, 3)
    assert verdict(control, [2.1, *treated[1:]], screened=0).outcome == "undecided"


@pytest.mark.parametrize("state", ["refused", "failed", "killed", "slow"])
def test_a_run_that_did_not_end_well_decides_nothing(state: str) -> None:
    treated = {0: result(loss=0.1), 1: result(state, why="what happened")}
    said = judge(CLIP, runs(2.0, 2.1), treated, wanted=2)
    assert said.outcome == "undecided"
    assert "what happened" in said.why
    assert said.runs == 2


def test_a_script_that_fails_by_itself_is_cured_by_what_lets_it_end() -> None:
    control = {s: result("failed", loss=math.inf) for s in range(3)}
    assert judge(CLIP, control, runs(0.5, 0.6, 0.5), wanted=3).outcome == "proved"


def test_reverse_proof() -> None:
    control = runs(2.0, 2.1, 2.2, findings=["exploding-gradient", "loss-not-decreasing"])
    clean = judge(CLIP, control, runs(0.5, 0.5, 0.5), wanted=3)
    assert clean.reverse.gone == ("exploding-gradient", "loss-not-decreasing")
    assert clean.recommended
    still = runs(0.5, 0.5, 0.5, findings=["exploding-gradient"])
    left = judge(CLIP, control, still, wanted=3)
    assert (left.outcome, left.recommended) == ("proved", False)
    assert left.still_there == ("exploding-gradient",)
    born = judge(CLIP, control, runs(0.5, 0.5, 0.5, findings=["dead-units"]), wanted=3)
    assert born.reverse.born == ("dead-units",)
    assert not born.recommended


def test_a_trick_that_changes_the_loss_is_compared_by_errors() -> None:
    logits = candidate_of(read_all(["logits"]))
    control = {s: result(loss=1.9, error=0.5 + s / 100) for s in range(3)}
    treated = {s: result(loss=0.1, error=0.1 + s / 100) for s in range(3)}
    said = judge(logits, control, treated, wanted=3)
    assert (said.metric, said.caution, said.outcome) == ("training error", "", "proved")
    without = {s: result(loss=0.1) for s in range(3)}
    said = judge(logits, control, without, wanted=3)
    assert said.metric == "training loss"
    assert "another quantity" in said.caution


def test_held_out_loss_is_preferred_where_every_run_has_one() -> None:
    control = {s: result(loss=1.0, held=1.0) for s in range(3)}
    treated = {s: result(loss=0.1, held=3.0) for s in range(3)}
    assert judge(CLIP, control, treated, wanted=3).outcome == "harmful"
    treated[2] = result(loss=0.1)
    assert judge(CLIP, control, treated, wanted=3).metric == "training loss"


def test_no_run_no_verdict() -> None:
    assert judge(CLIP, runs(1.0), {}, wanted=3).outcome == "undecided"
    unmeasured = judge(CLIP, runs(1.0), {0: result()}, wanted=3)
    assert "nothing was measured" in unmeasured.why


@pytest.mark.parametrize("treated", [[0.5, 0.5, 0.5], [math.inf] * 3, [math.nan] * 3])
def test_json_has_no_number_that_json_does_not_know(treated: list[float]) -> None:
    said = judge(PLACEBO, runs(2.0, 2.1, 2.2), runs(*treated), wanted=3).as_dict()
    assert json.loads(json.dumps(said, allow_nan=False))["candidate"] == "placebo"


def test_a_control_run_that_was_stopped_is_left_out() -> None:
    control, treated = runs(2.0, 2.1, 2.2, 2.05), runs(0.5, 0.52, 0.49, 0.5)
    control[1] = Result("slow", 0, 56.0)
    found = judge(CLIP, control, treated, wanted=3)
    assert (found.outcome, found.seeds) == ("proved", (0, 2, 3))
