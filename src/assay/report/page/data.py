"""What a run was fed: ranges of its inputs, labels, repeated batches, loaders."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

from ...journal.events import EVAL_INPUT, INPUT, LOADER
from ...journal.series import Series
from ...journal.signals import SIGNALS
from ...journal.view import RunView
from ..console import clean
from ..source import short_path
from .panel import Panel

IN_TRAINING = ("input_min", "input_max", "input_mean", "input_std")
IN_EVALUATION = ("eval_input_min", "eval_input_max", "eval_input_mean", "eval_input_std")
MOST_PLACES = 12
MOST_PICTURES = 4
MOST_CLASSES = 60


def inputs(view: RunView) -> list[dict[str, Any]]:
    """Returns one row for each tensor that the model is called with in training."""
    shapes: dict[str, Any] = {e.data["place"]: e.data for e in view.events(INPUT)}
    rows = []
    for place in _places(view, "input_min", "input_fingerprint")[:MOST_PLACES]:
        row = {**_row(place, shapes), **_numbers(view, IN_TRAINING, place)}
        wrong = max(_series(view, "input_nonfinite_share", place).values, default=0.0)
        row["wrong"] = f"{wrong:.2%}" if wrong else "none" if row["range"] else ""
        row["repeats"] = _repeats(_series(view, "input_fingerprint", place))
        rows.append(row)
    return rows


def held_out_inputs(view: RunView) -> list[dict[str, Any]]:
    """Returns the same of tensors that evaluations give the model, as far as it is measured."""
    shapes: dict[str, Any] = {e.data["place"]: e.data for e in view.events(EVAL_INPUT)}
    places = _places(view, "eval_input_min")[:MOST_PLACES]
    return [{**_row(place, shapes), **_numbers(view, IN_EVALUATION, place)} for place in places]


def _row(place: str, shapes: dict[str, Any]) -> dict[str, Any]:
    seen = shapes.get(place, {})
    return {
        "place": clean(place),
        "shape": " × ".join(str(n) for n in seen.get("shape", ())),
        "dtype": clean(seen.get("dtype", "")),
    }


def _numbers(view: RunView, signals: tuple[str, ...], place: str) -> dict[str, str]:
    low, high, mean, std = (_series(view, signal, place) for signal in signals)
    return {
        "range": f"{min(low.values):.4g} to {max(high.values):.4g}" if len(low) else "",
        "mean": _typical(mean),
        "std": _typical(std),
    }


def histograms(view: RunView) -> list[dict[str, Any]]:
    """Draws the first sampled batch of each input as bars, from its lowest number up."""
    found = []
    for place in _places(view, "input_min")[:MOST_PICTURES]:
        shares: list[Series] = []
        while len(bar := _series(view, "input_bin_share", f"{place} [{len(shares)}]")):
            shares.append(bar)
        low, high = _series(view, "input_min", place), _series(view, "input_max", place)
        if shares and len(low) and len(high):
            step, most = shares[0].steps[0], max(share.first for share in shares) or 1.0
            found.append(
                {
                    "place": clean(place),
                    "low": f"{low.at(step):.4g}",
                    "high": f"{high.at(step):.4g}",
                    "bars": [
                        {"at": number, "height": round(100 * share.first / most, 1)}
                        for number, share in enumerate(shares)
                    ],
                    "count": len(shares),
                    "most": f"{most:.1%}",
                }
            )
    return found


def input_panels(view: RunView) -> list[Panel]:
    """Plots the range of each input and each target over the run, and which labels count."""
    made = []
    for number, place in enumerate(_places(view, "input_mean")[:MOST_PICTURES]):
        signals = (("highest", "input_max"), ("mean", "input_mean"), ("lowest", "input_min"))
        lines = [(label, _series(view, signal, place)) for label, signal in signals]
        if len(lines[0][1]) > 1:
            about = "Highest, mean and lowest number of each sampled batch."
            made.append(
                Panel(f"input-{number}", clean(place), about, lines, band=True, logarithmic=False)
            )
    for number, place in enumerate(_places(view, "target_mean")[:MOST_PICTURES]):
        signals = (("highest", "target_max"), ("mean", "target_mean"), ("lowest", "target_min"))
        lines = [(label, _series(view, signal, place)) for label, signal in signals]
        if len(lines[0][1]) > 1:
            about = "Highest, mean and lowest target of each sampled batch."
            title = f"targets of {clean(place)}"
            made.append(
                Panel(f"target-{number}", title, about, lines, band=True, logarithmic=False)
            )
    for number, place in enumerate(_places(view, "target_counted_share")[:MOST_PICTURES]):
        counted = _series(view, "target_counted_share", place)
        if len(counted) > 1 and min(counted.values) < 1:
            about = "Share of the labels that the loss does not ignore."
            lines = [(SIGNALS["target_counted_share"].title.lower(), counted)]
            made.append(Panel(f"counted-{number}", clean(place), about, lines, logarithmic=False))
    for panel in made:
        panel.sampled = True
    return made


def labels(view: RunView) -> dict[str, Any] | None:
    """Counts how often each class was met in the sampled batches; None if classes are unknown."""
    counts: Counter[str] = Counter()
    for training in view.trainings:
        for place, series in training.signals.get("label_count", {}).items():
            counts[place] += int(sum(value for value in series.values if math.isfinite(value)))
    total = sum(counts.values())
    if not total:
        return None
    numbered = sorted(counts.items(), key=lambda item: (len(item[0]), item[0]))
    most = max(counts.values())
    return {
        "total": f"{total:,}",
        "bars": [
            {
                "label": clean(name),
                "count": f"{count:,}",
                "share": f"{count / total:.1%}",
                "width": round(100 * count / most, 2),
            }
            for name, count in numbered[:MOST_CLASSES]
        ],
        "left_out": max(len(numbered) - MOST_CLASSES, 0),
    }


def loaders(view: RunView) -> list[dict[str, Any]]:
    """Returns each data loader once, with its settings."""
    unique: dict[str, dict[str, Any]] = {}
    for event in view.events(LOADER):
        data: dict[str, Any] = dict(event.data)
        built = data.pop("built", None)
        place = f"{short_path(str(built[0]))}:{built[1]}" if isinstance(built, list) else ""
        if not place and event.site is not None:
            place = f"{short_path(event.site.file)}:{event.site.line}"
        rows = [(clean(k.replace("_", " ")), _said(v)) for k, v in data.items() if k != "grad"]
        purpose = "training" if event.data["grad"] else "evaluation"
        unique.setdefault(place + str(rows), {"place": clean(place), "for": purpose, "rows": rows})
    return list(unique.values())[:MOST_PLACES]


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else clean("" if value is None else value)


def _places(view: RunView, *signals: str) -> list[str]:
    found = (p for t in view.trainings for s in signals for p in t.places(s))
    return list(dict.fromkeys(found))


def _series(view: RunView, signal: str, place: str) -> Series:
    series = (t.series(signal, place) for t in view.trainings)
    return max(series, key=len, default=Series())


def _typical(series: Series) -> str:
    values = sorted(value for value in series.values if math.isfinite(value))
    return f"{values[len(values) // 2]:.4g}" if values else ""


def _repeats(series: Series) -> str:
    """Counts the sampled batches that had the very numbers (by their sum) of an earlier one."""
    values = [value for value in series.values if math.isfinite(value)]
    if len(values) < 2:
        return ""
    again = len(values) - len(set(values))
    return f"{again:,} of {len(values):,}" if again else f"none in {len(values):,}"


def notes(view: RunView) -> Iterator[str]:
    """Says what can't be shown of the data, and why."""
    if not _places(view, "input_min", "input_fingerprint"):
        yield "No input of the model was measured in this run."
