"""Which tricks to try against what was found, with values taken from what was measured."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from statistics import median

from ..checks.finding import Finding, Remedy
from ..diagnosis import Diagnosis
from ..journal.view import RunView, Training
from ..tricks.base import TrickError
from .metric import main_training
from .plan import Candidate, distinct, read_candidate, together
from .signs import signs

MOST = 8
"""So many candidates are tried; those of the likeliest causes come first."""

GOOD_QUALITY = 0.5
"""Step quality at the minimum along a step. Good rates were measured between 0.1 and 0.7 on digits
(design, section 5)."""
FACTORS = (0.01, 30.0)
"""A measured rate is not believed further away from the script's own than this."""
FAR = 100.0
"""Where a check names such a factor, three times it is tried as well."""
ALIKE = 1.5
"""Two rates or limits that differ by less than this factor are not tried both."""

ALSO = {
    "learning-rate-too-high": (
        *(Remedy("lr", factor) for factor in ("x0.3", "x0.1", "x0.03")),
        Remedy("clip-norm", "1.0"),
    ),
    "learning-rate-too-low": (Remedy("lr", "x1000"),),
    # one step can be enough for that, and then no loss is seen to grow
    "loss-not-finite": (Remedy("lr", "x0.1"), Remedy("lr", "x0.01")),
    # a network that was thrown away in its first steps passes on no gradient either
    "vanishing-gradient": (Remedy("warmup"), Remedy("lr", "x0.3"), Remedy("lr", "x0.1")),
}
"""Beside what the check proposes: where a run was thrown away, or has not moved, sharpness and step
quality were measured on a surface that a good run never sees."""

Value = tuple[str, str]


def remedies(view: RunView, diagnosis: Diagnosis) -> list[list[Candidate]]:
    """Candidates for causes, then for their symptoms, likeliest first; none for a healthy run.

    Where several causes have a remedy, the first ones of each together are a candidate as well:
    one fault can hide what curing the other does. Where no check found a fault, the candidates are
    what the record points to all the same (`signs`).
    """
    if all(finding.preview or finding.severity == "note" for finding in diagnosis.findings):
        hinted = [c for trick, why in signs(view) for c in _read(view, trick, "", why)]
        return [distinct(hinted)[:MOST]] if hinted else []
    firsts: dict[str, Candidate] = {}
    causes: list[Candidate] = []
    symptoms: list[Candidate] = []
    for finding in diagnosis.findings:
        passed_over = finding.preview or finding.severity == "note"
        own = [] if passed_over else list(_candidates(view, finding))
        if finding.role == "symptom":
            symptoms += own
        elif own:
            causes += own
            firsts.setdefault(finding.check, own[0])
    joint: list[Candidate] = []
    if len(firsts) > 1:
        try:
            joint = [together(distinct(firsts.values()), " + ".join(firsts))]
        except TrickError:  # two remedies that exclude each other
            joint = []
    first = distinct([*joint, *causes])[:MOST]
    then = [c for c in distinct(symptoms) if c.tricks not in {f.tricks for f in first}]
    return [tier for tier in (first, then[: MOST - len(first)]) if tier]


def exploration(view: RunView) -> list[list[Candidate]]:
    """What may help a run that has nothing wrong with it."""
    wanted = [Remedy("lr", "x3"), Remedy("lr", "x0.3"), Remedy("clip-norm"), Remedy("warmup")]
    wanted += [Remedy("ema", "0.99")]
    found: list[Candidate] = []
    for trick in wanted:
        found += _read(view, trick, "")
    return [distinct(found)[:MOST]] if found else []


def _candidates(view: RunView, finding: Finding) -> Iterator[Candidate]:
    for trick in (*finding.tricks, *ALSO.get(finding.check, ())):
        yield from _read(view, trick, finding.check)


def _read(view: RunView, trick: Remedy, check: str, reason: str = "") -> Iterator[Candidate]:
    training = main_training(view)
    values: list[Value] = []
    if training is not None:
        of = {"lr": _rates, "clip-norm": _limits, "warmup": _lengths}.get(trick.name)
        values = list(of(training, trick.value)) if of is not None else []
    for value, why in values or [(trick.value, reason)]:
        try:
            text = f"{trick.name}={value}" if value else trick.name
            yield read_candidate(text, check, why)
        except TrickError:  # a value is needed, and nothing was measured that gives one
            continue


def _rates(training: Training, given: str) -> Iterator[Value]:
    """The rate that the check proposes, and those that sharpness and step quality point to."""
    rate = training.series("learning_rate", "group 0").finite()
    own = max(rate.values, default=0.0)
    tried: list[float] = []
    told = _factor(given, own)
    measured = list(_measured_factors(training))
    if told is not None:
        told = max(told, FACTORS[0])
        if told >= FAR:  # a power of ten, at most a tenth of what is stable
            measured.append((3 * told, f"three times {told:g} times the script's own"))
    if told is None and not measured:
        measured = [(0.1, "a tenth of the script's own"), (0.3, "a third of the script's own")]
    for factor, why in [*([(told, "")] if told is not None else []), *measured]:
        # a measurement that points the other way answers another question
        if told is not None and (factor < 1) != (told < 1):
            continue
        if 1 / ALIKE < factor < ALIKE or any(1 / ALIKE < factor / t < ALIKE for t in tried):
            continue
        tried.append(factor)
        yield f"x{factor:.2g}", why


def _measured_factors(training: Training) -> Iterator[tuple[float, str]]:
    low, high = FACTORS
    sharp, limit = (training.series(s) for s in ("rate_times_sharpness", "stability_limit"))
    worst = max(sharp.finite().values, default=0.0)
    allowed = limit.finite().last
    if worst > 0 and allowed > 0:
        factor = min(max(0.5 * allowed / worst, low), high)
        why = f"half of what the measured sharpness allows: rate x sharpness was {worst:.3g}"
        yield factor, f"{why}, stable below {allowed:.3g}"
    quality = training.series("step_quality").finite().values
    if len(quality) >= 5:
        usual = median(quality)
        # on a parabola r = 1 - rate / (2 best rate)
        factor = min(max((1 - GOOD_QUALITY) / max(1 - usual, 1e-3), low), high)
        yield factor, f"brings the measured step quality from {usual:.2f} to {GOOD_QUALITY}"


def _factor(given: str, own: float) -> float | None:
    """What a value of `lr` multiplies the script's own rate with; None if it can't be told."""
    match = re.fullmatch(r"x?([0-9.]+(?:e[-+]?[0-9]+)?)", given)
    if match is None:
        return None
    number = float(match[1])
    return number if given.startswith("x") else number / own if own > 0 else None


def _limits(training: Training, given: str) -> Iterator[Value]:
    """The limit that the check proposes, and the 90th percentile of the measured norms."""
    if given:
        yield given, ""
    norms = sorted(training.series("grad_norm").finite().values)
    if len(norms) >= 5 and (usual := norms[math.ceil(0.9 * len(norms)) - 1]) > 0:
        proposed = float(given) if re.fullmatch(r"[0-9.]+(e[-+]?[0-9]+)?", given) else 0.0
        if not proposed or not 1 / ALIKE < usual / proposed < ALIKE:
            yield f"{usual:.2g}", f"90 % of the measured norms were below {usual:.3g}"


def _lengths(training: Training, given: str) -> Iterator[Value]:
    """The length that the check proposes, or twice as long as the first steps went wrong."""
    if given:
        yield given, ""
        return
    opening = training.series("step_quality").between(0, max(training.steps // 5, 1))
    bad = [step for step, quality in opening if not quality >= 0]  # nan too: a step uphill
    most = max(training.steps // 5, 1)
    if bad:
        length = min(max(2 * (bad[-1] + 1), 10), most)
        why = f"twice as long as steps made the loss worse, up to step {bad[-1]}"
    else:
        length = min(max(training.steps // 10, 5), most)
        why = "a tenth of the steps"
    yield str(length), why
    if 2 * most >= ALIKE * length:
        yield str(2 * most), "two fifths of the steps"
