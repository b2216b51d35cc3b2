"""A trial on the page: verdicts with their intervals, curves of both sides, the diff."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import zip_longest
from statistics import fmean
from typing import Any

from ...trials.change import Change
from ...trials.metric import HIGHER, shown
from ...trials.settled import table
from ...trials.trial import Trial
from ...trials.verdict import Verdict
from ..console import clean
from ..ending import counted
from ..foot import duration
from ..sentence import sentence
from ..settled import lead
from ..source import short_path
from ..verdicts import in_words, numbers
from .thinning import short

MOST_CURVES = 6
_POINTS = 200
_STATES = {
    "gone": "healthy", "still there": "warning", "new": "error", "hidden": "warning",
    "not judged": "",
}  # fmt: skip
_KINDS = {"+": "added", "-": "removed", "@": "place"}


def trial_context(trial: Trial) -> dict[str, Any]:
    """Returns all that the template says of a trial."""
    return {
        "state": trial.verdicts[0].outcome.replace(" ", "-") if trial.verdicts else "undecided",
        "headline": _headline(trial),
        "lead": _lead(trial),
        "table": _table(trial),
        "trouble": sentence(trial.trouble) if trial.trouble else "",
        "interrupted": sentence(trial.interrupted) if trial.interrupted else "",
        "verdicts": [_verdict(verdict, _reach(trial.verdicts)) for verdict in trial.verdicts],
        "advice": _advice(trial),
        "scale": _scale(trial.verdicts),
        "change": None if trial.change is None else _change(trial.change),
        "cost": f"{counted(trial.runs, 'run')} in {duration(trial.seconds)}",
        "resumed": counted(trial.resumed, "run") if trial.resumed else "",
        "note": _noise(trial),
    }


def trial_plots(trial: Trial) -> list[dict[str, Any]]:
    """Plots each verdict's metric over steps: mean and spread of control and treated runs."""
    plots = []
    for number, verdict in enumerate(trial.verdicts[:MOST_CURVES]):
        treated = trial.results.get(verdict.candidate.name, {})
        sides = []
        for label, results in (("control", trial.control), (verdict.candidate.name, treated)):
            runs = [
                curve
                for seed in verdict.seeds
                if seed in results and (curve := results[seed].measured.curves.get(verdict.metric))
            ]
            sides.append({"label": clean(label), **_spread(runs)})
        if all(side["x"] for side in sides):
            title = sentence(f"{verdict.metric}, control and {verdict.candidate.name}")[:-1]
            values = [v for side in sides for key in ("low", "high") for v in side[key]]
            plots.append(
                {
                    "key": f"trial-{number}",
                    "title": title,
                    "about": f"Mean of {counted(len(verdict.seeds), 'seed')} and their spread.",
                    "log": min(values) > 0 and max(values) > 20 * min(values),
                    "sides": sides,
                }
            )
    return plots


def _spread(runs: Sequence[Sequence[tuple[int, float]]]) -> dict[str, list[Any]]:
    """Returns mean, lowest and highest of the runs at each step, where they are finite."""
    curves = [[(s, v) for s, v in run if math.isfinite(v)] for run in runs]
    curves = [curve for curve in curves if curve]
    steps = sorted({step for curve in curves for step, _ in curve})
    if len(steps) > _POINTS:
        steps = [steps[i * len(steps) // _POINTS] for i in range(_POINTS)]
    side: dict[str, list[Any]] = {"x": [], "mean": [], "low": [], "high": []}
    for step in steps:
        values = [v for curve in curves if (v := _at(curve, step)) is not None]
        if values:
            side["x"].append(step)
            side["mean"].append(short(fmean(values)))
            side["low"].append(short(min(values)))
            side["high"].append(short(max(values)))
    return side


def _at(curve: list[tuple[int, float]], step: int) -> float | None:
    place = bisect_right(curve, (step, math.inf))
    if place == 0:
        return None
    before = curve[place - 1]
    if before[0] == step or place == len(curve):
        return before[1] if before[0] == step else None
    after = curve[place]
    return before[1] + (after[1] - before[1]) * (step - before[0]) / (after[0] - before[0])


def _lead(trial: Trial) -> dict[str, Any] | None:
    said = lead(trial)
    if said is None:
        return None
    return {
        "state": "healthy" if said.settled else "warning",
        "head": sentence(said.head),
        "lines": [sentence(line) for line in said.lines],
        "differs": sentence(said.differs) if said.differs else "",
    }


def _table(trial: Trial) -> dict[str, Any] | None:
    """Returns findings by remedies: what became of each with each."""
    rows = table(trial)
    if not rows or not rows[0].states:
        return None
    return {
        "remedies": [clean(name) for name in rows[0].states],
        "rows": [
            {
                "finding": row.finding,
                "cells": [
                    {"said": state, "state": _STATES[state]} for state in row.states.values()
                ],
            }
            for row in rows
        ],
    }


def _headline(trial: Trial) -> str:
    if not trial.verdicts:
        return "Nothing was compared."
    best = trial.verdicts[0]
    name = clean(best.candidate.name)
    if best.outcome != "proved":
        return f"Nothing was proved: {name} came out as {best.outcome}."
    effect, interval = numbers(best)
    how = f"{best.metric} {effect}" + (f" ({interval})" if interval else "")
    return f"{name} is proved: {how}, on {counted(len(best.seeds), 'seed')}."


def _verdict(verdict: Verdict, reach: float) -> dict[str, Any]:
    effect, interval = numbers(verdict)
    return {
        "name": clean(verdict.candidate.name),
        "for": clean(verdict.candidate.purpose),
        "outcome": verdict.outcome,
        "state": verdict.outcome.replace(" ", "-"),
        "effect": effect,
        "interval": interval,
        "metric": verdict.metric,
        "why": sentence(verdict.why),
        "caution": sentence(verdict.caution) if verdict.caution else "",
        "bar": _bar(verdict, reach),
        "seeds": [
            {"seed": seed, "control": _number(verdict, a), "treated": _number(verdict, b)}
            for seed, a, b in zip_longest(verdict.seeds, verdict.control, verdict.treated)
        ],
        "gone": [clean(name) for name in verdict.reverse.gone],
        "left": [clean(name) for name in verdict.reverse.left],
        "born": [clean(name) for name in verdict.reverse.born],
    }


def _number(verdict: Verdict, value: float | None) -> str:
    if value is None:
        return ""
    value = shown(verdict.metric, value)
    return f"{value:.4g}" if math.isfinite(value) else "not finite"


def _change_of(verdict: Verdict) -> tuple[float, float, float] | None:
    """Returns lowest, mean and highest change of the metric as shares; None without numbers."""
    effect = verdict.effect
    if effect is None or math.isnan(effect.mean):
        return None
    sign = 1 if verdict.metric.endswith(HIGHER) else -1
    shares = (sign * effect.share(d) for d in (effect.high, effect.mean, effect.low))
    low, mean, high = sorted(shares) if not math.isnan(effect.low) else shares
    return (mean, mean, mean) if math.isnan(low) else (low, mean, high)


def _scale(verdicts: Sequence[Verdict]) -> dict[str, str]:
    reach = _reach(verdicts)
    return {"low": f"−{reach:.0%}", "high": f"+{reach:.0%}"}


def _reach(verdicts: Sequence[Verdict]) -> float:
    """Returns half the width of the scale on which intervals are drawn: what is wider is cut."""
    found = [abs(value) for v in verdicts if (bar := _change_of(v)) for value in bar]
    return min(max([0.05, *found]), 1.0)


def _bar(verdict: Verdict, reach: float) -> dict[str, float] | None:
    """Returns the interval in per cent of the width of its drawing; 50 is no effect."""
    change = _change_of(verdict)
    if change is None:
        return None
    low, mean, high = (min(max(50 + 48 * value / reach, 1.0), 99.0) for value in change)
    return {"low": round(low, 2), "mean": round(mean, 2), "width": round(max(high - low, 0.8), 2)}


def _advice(trial: Trial) -> dict[str, Any] | None:
    if not trial.verdicts or trial.verdicts[0].outcome != "proved":
        return None
    best = trial.verdicts[0].candidate
    options = " ".join(f"--with {trick}" for trick in best.tricks)
    return {
        "words": [sentence(words) for words in in_words(best, trial)],
        "command": clean(f"assay run {options} {' '.join(trial.command)}"),
    }


def _change(change: Change) -> dict[str, Any]:
    lines = []
    for line in change.diff.splitlines():
        file = line.startswith(("--- ", "+++ "))
        lines.append({"kind": "file" if file else _KINDS.get(line[:1], ""), "text": clean(line)})
    return {
        "state": change.state,
        "why": sentence(change.why),
        "lines": lines,
        "steps": counted(change.steps, "step"),
        "written": [clean(short_path(str(path))) for path in change.written],
    }


def _noise(trial: Trial) -> str:
    metrics = dict.fromkeys(v.metric for v in trial.verdicts if v.metric)
    if not metrics:
        return ""
    floor = next((v.effect.share(v.effect.floor) for v in trial.verdicts if v.effect), math.nan)
    better = "above" if any(metric.endswith(HIGHER) for metric in metrics) else "below"
    text = f"Effect: change of the {' or '.join(metrics)}, paired by seed."
    text += f" An effect {better} zero is an improvement."
    known = math.isfinite(floor)
    return f"{text} The seeds alone change it by {abs(floor):.1%}." if known else text
