"""What the runs of a candidate prove: their numbers, what they have learnt, and their findings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from ..journal.numbers import to_json
from .metric import ALIKE, TRAINING, USED, comparable, shown
from .plan import Candidate
from .result import Result
from .reverse import Reverse, reverse_proof
from .statistics import Effect
from .weighing import Outcome, Weighed, weigh_runs

LEARNT = 0.999
"""Of a constant prediction's loss: what ends above has learnt nothing. The limit of the check
`loss-not-decreasing`, measured in benchmarks/calibration/loss_trend.py."""


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
        open: Whether another seed can decide.
        barred: Why it can be no cure, whatever its numbers are; empty if it can.
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
    reverse: Reverse = field(default_factory=Reverse)
    open: bool = False
    barred: str = ""
    runs: int = 0
    seconds: float = 0.0

    @property
    def recommended(self) -> bool:
        """Whether it is proved, its finding is gone, and no other illness came with it.

        Nor does it leave a fault that no cure may leave (of one that was asked for by name, the
        verdict is about the numbers alone).
        """
        reverse = self.reverse
        proved = self.outcome == "proved" and not reverse.brought
        return proved and not self.still_there and not reverse.standing

    @property
    def mends(self) -> bool:
        """Whether it ends the broken invariant that it is for."""
        return self.reverse.mends

    @property
    def improved(self) -> bool:
        """Whether its numbers are better beyond doubt, whatever else is said of it."""
        return self.outcome in ("proved", "helps too", "refused")

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
            "control": [_number(shown(self.metric, value)) for value in self.control],
            "treated": [_number(shown(self.metric, value)) for value in self.treated],
            "effect": None if effect is None else _number(effect.share(effect.mean)),
            "interval": None
            if effect is None or math.isnan(effect.low)
            else [_number(effect.share(effect.low)), _number(effect.share(effect.high))],
            "noise_floor": None if effect is None else _number(effect.share(effect.floor)),
            "findings": {
                "gone": list(self.reverse.gone),
                "left": list(self.reverse.left),
                "new": list(self.reverse.born),
                "hidden": list(self.reverse.hidden),
            },
            "cost": {"runs": self.runs, "seconds": round(self.seconds, 1)},
        }


def judge(
    candidate: Candidate,
    control: Mapping[int, Result],
    treated: Mapping[int, Result],
    *,
    wanted: int,
    most: int = 0,
    candidates: float = 1,
    screened: int | None = None,
    note: str = "",
) -> Verdict:
    """Judges a candidate by its runs.

    Args:
        candidate: Whose runs.
        control: The control's runs by seed.
        treated: The candidate's runs by seed.
        wanted: How many seeds a verdict rests on.
        most: How many seeds may be added until it is decided.
        candidates: Among how many the chance of a false proof is shared.
        screened: The last seed by which candidates were chosen: it must improve, but it and those
            before it are no part of the proof, since the best of many looks better than it is.
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
    proof = [seed for seed in seeds if screened is None or seed > screened] or list(seeds)
    before = {seed: control[seed].measured.values[metric] for seed in seeds}
    after = {seed: treated[seed].measured.values[metric] for seed in seeds}
    effect, said = weigh_runs(
        [before[s] for s in proof],
        [after[s] for s in proof],
        candidates=candidates,
        wanted=wanted,
        most=most,
    )
    must = [seed for seed in seeds if screened is None or seed >= screened]
    if said.outcome == "proved" and not all(after[seed] < before[seed] for seed in must):
        said = Weighed("undecided", f"it did not improve seed {screened}")
    if metric == USED and said.outcome == "harmful":
        why = "it fits the training batches less closely, as noise does: a held-out loss can tell"
        said = Weighed("undecided", why)
    if note and said.outcome == "undecided":
        said = Weighed("undecided", note)
    reverse = reverse_proof(control, treated, candidate.checks)
    bar = _unlearnt(candidate, control, treated, seeds) or _ill(candidate, reverse)
    if bar is not None and said.outcome == "proved":
        but = "better than the control, but " if bar.outcome == "refused" else ""
        said = Weighed(bar.outcome, but + bar.why)
    elif bar is not None and said.open:
        said = Weighed(said.outcome, f"no cure: {bar.why}", said.open)
    return Verdict(
        candidate, said.outcome, said.why, metric, caution, seeds, tuple(before.values()),
        tuple(after.values()), effect, reverse, said.open, bar.why if bar else "", runs, seconds,
    )  # fmt: skip


def _unlearnt(
    candidate: Candidate,
    control: Mapping[int, Result],
    treated: Mapping[int, Result],
    seeds: Sequence[int],
) -> Weighed | None:
    """Refuses what ends no better than a constant prediction, where one is known."""
    if any(trick.changes_shares for trick in candidate.tricks):
        return None
    same = all(trick.changes_loss == "no" for trick in candidate.tricks)
    kind = TRAINING if same else ALIKE
    if any(trick.changes_mode for trick in candidate.tricks):
        kind = USED
    for seed in seeds:
        constants = [r.constant for r in (treated[seed], control[seed]) if r.constant is not None]
        value = treated[seed].measured.values.get(kind)
        if not constants or value is None:
            continue
        # with another loss, only the control's call is the loss as the script means it
        constant = constants[0] if same else constants[-1]
        if not value < LEARNT * constant:
            said = f"seed {seed} has learnt nothing: {kind} {value:.4g}, a constant prediction has"
            return Weighed("refused", f"{said} {constant:.4g}")
    return None


def _ill(candidate: Candidate, reverse: Reverse) -> Weighed | None:
    """Refuses a remedy that brings an illness; one that leaves a fault only helps too.

    Of a trick that was asked for by name its numbers are told, unless an invariant stays broken.
    """
    asked = not candidate.checks
    if reverse.brought and not asked:
        return Weighed("refused", f"it brings {listed(reverse.brought)}")
    own = [check for check in candidate.checks if check in reverse.left]
    standing = reverse.broken if asked else reverse.standing
    hidden = [check for check in standing if check in reverse.hidden]
    left = [check for check in dict.fromkeys([*own, *standing]) if check not in hidden]
    clauses = [f"it leaves {listed(left)}"] if left else []
    clauses += [f"{listed(hidden)} is hidden by it and not mended"] if hidden else []
    return Weighed("helps too", " and ".join(clauses)) if clauses else None


def listed(checks: Sequence[str]) -> str:
    """Joins names as a sentence does: `a, b and c`."""
    return " and ".join(filter(None, [", ".join(checks[:-1]), checks[-1]]))


def _kinds(results: Sequence[Result]) -> list[str]:
    return list(dict.fromkeys(kind for r in results for kind in r.measured.values))


def _failed(control: Mapping[int, Result]) -> bool:
    return any(result.state == "failed" for result in control.values())


def _number(value: float) -> float | str | None:
    return None if math.isnan(value) else to_json(value)


def best_first(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Sorts verdicts: recommended ones first, then the surer outcome, then the larger effect.

    Of two cures of NaN that of the cause comes before that of a symptom, then the better end.
    """
    outcomes = ("proved", "helps too", "undecided", "refused", "no effect", "harmful")
    causes = list(dict.fromkeys(verdict.candidate.checks for verdict in verdicts))

    def place(verdict: Verdict) -> tuple[bool, int, int, float, int, float]:
        outcome, cause = outcomes.index(verdict.outcome), causes.index(verdict.candidate.checks)
        end = fmean(verdict.treated) if verdict.treated else math.inf
        uncovered = len(verdict.reverse.born)
        return not verdict.recommended, outcome, uncovered, -_size(verdict), cause, end

    return sorted(verdicts, key=place)


def _size(verdict: Verdict) -> float:
    if verdict.effect is None or math.isnan(verdict.effect.mean):
        return math.inf if verdict.improved else 0.0
    return verdict.effect.mean
