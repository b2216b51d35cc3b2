"""What the runs of a candidate prove: proved, no effect, harmful, or undecided."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal

from ..journal.numbers import to_json
from .metric import comparable
from .plan import Candidate
from .result import Result
from .statistics import LEVEL, Effect, compare, quantile

Outcome = Literal["proved", "no effect", "harmful", "undecided"]

SMALLEST = 0.02
"""An effect below 2 % of the control's metric is none that anyone would change a script for."""


@dataclass(frozen=True, slots=True)
class Reverse:
    """The reverse proof: what became of the control's findings with the remedy on.

    Attributes:
        gone: Checks that found something in the control, and nothing in any treated run.
        left: Checks that still find something in a treated run.
        born: Checks that found something (no note) in a treated run, and nothing in any control.
    """

    gone: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    born: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of one candidate.

    Attributes:
        outcome: The verdict.
        why: One sentence on it.
        metric: What was compared; empty if nothing could be.
        caution: What to keep in mind about the metric.
        seeds: Seeds that both the control and the candidate were run with.
        control, treated: The metric of each seed.
        effect: The statistics; None if there is no pair of runs.
        reverse: What became of the findings.
        runs, seconds: What finding out has cost, the control not counted.
    """

    candidate: Candidate
    outcome: Outcome
    why: str
    metric: str = ""
    caution: str = ""
    seeds: tuple[int, ...] = ()
    control: tuple[float, ...] = ()
    treated: tuple[float, ...] = ()
    effect: Effect | None = None
    reverse: Reverse = Reverse()
    runs: int = 0
    seconds: float = 0.0

    @property
    def recommended(self) -> bool:
        """Whether it is proved, its finding is gone, and no other illness came with it."""
        return self.outcome == "proved" and not self.reverse.born and not self.still_there

    @property
    def still_there(self) -> tuple[str, ...]:
        """The findings that it is a remedy for and that it leaves."""
        return tuple(c for c in self.candidate.checks if c in self.reverse.left)

    def as_dict(self) -> dict[str, Any]:
        """Returns the verdict as a report of schema 1 has it."""
        effect = self.effect
        return {
            "candidate": self.candidate.name,
            "tricks": list(self.candidate.words),
            "for": self.candidate.purpose or None,
            "verdict": self.outcome,
            "why": self.why,
            "metric": self.metric or None,
            "caution": self.caution or None,
            "seeds": list(self.seeds),
            "control": [_number(value) for value in self.control],
            "treated": [_number(value) for value in self.treated],
            "effect": None if effect is None else _number(effect.share(effect.mean)),
            "interval": None
            if effect is None or math.isnan(effect.low)
            else [_number(effect.share(effect.low)), _number(effect.share(effect.high))],
            "noise_floor": None if effect is None else _number(effect.share(effect.floor)),
            "findings": {
                "gone": list(self.reverse.gone),
                "left": list(self.reverse.left),
                "new": list(self.reverse.born),
            },
            "cost": {"runs": self.runs, "seconds": round(self.seconds, 1)},
        }


def judge(
    candidate: Candidate,
    control: Mapping[int, Result],
    treated: Mapping[int, Result],
    *,
    wanted: int,
    candidates: int = 1,
    screened: int | None = None,
    note: str = "",
) -> Verdict:
    """Judges a candidate by its runs.

    Args:
        candidate: Whose runs.
        control: The control's runs by seed.
        treated: The candidate's runs by seed.
        wanted: How many seeds a verdict rests on.
        candidates: How many candidates this one was compared beside.
        screened: A seed by which candidates were chosen: it must improve, but it is no part of
            the proof, since the best of many looks better than it is.
        note: Why it was not tried further, if it was not.
    """
    runs, seconds = len(treated), sum(r.seconds for r in treated.values() if not r.resumed)
    for seed, result in sorted(treated.items()):
        if result.state != "done":
            why = {"refused": "does not fit: ", "slow": "too slow: "}.get(result.state, "")
            if result.state == "failed" and _failed(control):
                continue  # so does the control: that is the metric's worst
            why += result.why if result.state == "refused" else f"{result.why} (seed {seed})"
            return Verdict(candidate, "undecided", why, runs=runs, seconds=seconds)
    # a control run that was stopped on its way says nothing of this seed
    known = {seed for seed, result in control.items() if result.state in ("done", "failed")}
    seeds = tuple(sorted(known & treated.keys()))
    pairs = [(control[seed], treated[seed]) for seed in seeds]
    everyone = [result for pair in pairs for result in pair]
    shared = [k for k in _kinds(everyone) if all(k in r.measured.values for r in everyone)]
    metric, caution = comparable(candidate.tricks, shared)
    if not metric:
        why = note or "no run of it has ended" if not pairs else "nothing was measured in all runs"
        return Verdict(candidate, "undecided", why, runs=runs, seconds=seconds)
    proof = [seed for seed in seeds if seed != screened] or list(seeds)
    before = {seed: control[seed].measured.values[metric] for seed in seeds}
    after = {seed: treated[seed].measured.values[metric] for seed in seeds}
    effect = compare([before[s] for s in proof], [after[s] for s in proof], candidates)
    outcome, why = weigh(effect, candidates, wanted)
    if outcome == "undecided" and math.isnan(effect.mean):
        outcome, why = _weigh_capped(
            [before[s] for s in proof], [after[s] for s in proof], candidates, wanted
        ) or (outcome, why)
    if outcome == "proved" and not all(after[seed] < before[seed] for seed in seeds):
        outcome, why = "undecided", f"it did not improve seed {screened}"
    if note and outcome == "undecided":
        why = note
    reverse = reverse_proof(control, treated)
    return Verdict(
        candidate, outcome, why, metric, caution, seeds, tuple(before.values()),
        tuple(after.values()), effect, reverse, runs, seconds,
    )  # fmt: skip


def weigh(effect: Effect, candidates: int = 1, wanted: int = 3) -> tuple[Outcome, str]:
    """Returns the verdict on an effect, and why.

    Proved: every seed improves, and the interval of the mean lies beyond both the noise floor and
    2 %. Where runs are not finite there is no interval: then every control run must have come to
    nothing and no treated one, which chance does with a probability of at most 4^-n; or every seed
    must improve, 2^-n; or the interval must show it with such runs counted like the worst of the
    others. Harmful is the same with the signs turned round.
    """
    n, alpha = len(effect.differences), (1 - LEVEL) / candidates
    up, down = (all(sign * d > 0 for d in effect.differences) for sign in (1, -1))
    if n < min(wanted, 2):
        return "undecided", f"{n} of {wanted} seeds were run"
    if math.isnan(effect.mean):
        return _without_numbers(effect, up=up, down=down, alpha=alpha)
    smallest = SMALLEST if effect.relative else SMALLEST * effect.scale
    if up and effect.low > max(_known(effect.floor), smallest):
        return "proved", f"all {n} seeds improve, the interval lies beyond the noise of the seeds"
    if down and effect.high < -max(_known(effect.floor), smallest):
        return (
            "harmful",
            f"all {n} seeds get worse, the interval lies beyond the noise of the seeds",
        )
    if n < wanted:
        return "undecided", f"{n} of {wanted} seeds were run"
    # 95 % of the differences between two sets of control runs are below this
    usual = _known(effect.floor) * quantile(1 - (1 - LEVEL) / 2, n - 1) if n > 1 else 0.0
    if abs(effect.mean) <= smallest:
        return "no effect", "below 2 %"
    if abs(effect.mean) <= usual:
        return "no effect", "no more than another seed would change"
    if up or down:
        return "undecided", f"all {n} seeds agree, but the interval is too wide: more seeds decide"
    return "undecided", "the seeds do not agree: more seeds decide"


def reverse_proof(control: Mapping[int, Result], treated: Mapping[int, Result]) -> Reverse:
    """Compares what is found in treated runs with what is found in the control's."""
    ill = frozenset[str]().union(*(r.checks("error", "warning") for r in control.values()))
    ever = frozenset[str]().union(*(r.checks() for r in control.values()))
    still = frozenset[str]().union(*(r.checks() for r in treated.values()))
    grave = frozenset[str]().union(*(r.checks("error", "warning") for r in treated.values()))
    return Reverse(
        gone=tuple(sorted(ill - still)),
        left=tuple(sorted(ill & still)),
        born=tuple(sorted(grave - ever)),
    )


def _without_numbers(effect: Effect, *, up: bool, down: bool, alpha: float) -> tuple[Outcome, str]:
    n, whole = len(effect.differences), all(map(math.isinf, effect.differences))
    chance = (4.0 if whole else 2.0) ** -n
    if up and chance <= alpha:
        return "proved", "the control came to nothing, every treated run did not" if whole else (
            f"all {n} seeds improve, and runs of the control came to nothing"
        )
    if down and chance <= alpha:
        return "harmful", "every treated run came to nothing, the control did not" if whole else (
            f"all {n} seeds get worse, and treated runs came to nothing"
        )
    return "undecided", "some runs came to nothing: more seeds decide"


def _weigh_capped(
    control: Sequence[float], treated: Sequence[float], candidates: int, wanted: int
) -> tuple[Outcome, str] | None:
    """Returns the verdict if a run that came to nothing counts like the worst that did not.

    The same limit for both sides leaves the differences symmetric where a trick does nothing, and
    makes what such a run has cost smaller than it was. None if that proves nothing.
    """
    finite = [value for value in (*control, *treated) if math.isfinite(value)]
    if not finite:
        return None
    most = max(finite)
    before, after = ([min(value, most) for value in side] for side in (control, treated))
    outcome, why = weigh(compare(before, after, candidates), candidates, wanted)
    if outcome not in ("proved", "harmful"):
        return None
    return outcome, f"{why}, runs that came to nothing counted like the worst of the others"


def _kinds(results: Sequence[Result]) -> list[str]:
    return list(dict.fromkeys(kind for r in results for kind in r.measured.values))


def _failed(control: Mapping[int, Result]) -> bool:
    return any(result.state == "failed" for result in control.values())


def _known(value: float) -> float:
    return 0.0 if math.isnan(value) else value


def _number(value: float) -> float | str | None:
    return None if math.isnan(value) else to_json(value)


def best_first(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Sorts verdicts: recommended ones first, then the larger effect.

    Of two cures of NaN that of the cause comes before that of a symptom, then the better end.
    """
    outcomes = ("proved", "undecided", "no effect", "harmful")
    causes = list(dict.fromkeys(verdict.candidate.checks for verdict in verdicts))

    def place(verdict: Verdict) -> tuple[bool, int, float, int, float]:
        outcome, cause = outcomes.index(verdict.outcome), causes.index(verdict.candidate.checks)
        end = fmean(verdict.treated) if verdict.treated else math.inf
        return not verdict.recommended, outcome, -_size(verdict), cause, end

    return sorted(verdicts, key=place)


def _size(verdict: Verdict) -> float:
    if verdict.effect is None or math.isnan(verdict.effect.mean):
        return math.inf if verdict.outcome == "proved" else 0.0
    return verdict.effect.mean
