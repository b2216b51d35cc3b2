"""Verdicts in a terminal: what to change, how much it helps, and how well that is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TextIO

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..checks.finding import Remedy
from ..trials.metric import HIGHER, shown
from ..trials.plan import Candidate
from ..trials.result import Result
from ..trials.trial import Trial
from ..trials.verdict import Verdict
from ..tricks.base import TrickError
from ..tricks.reading import read
from .change import render_change
from .console import WIDEST, drawn, print_to
from .curves import CONTROL_STYLE, TREATED_STYLE, draw
from .ending import counted
from .glyphs import ASCII, UNICODE, Glyphs
from .settled import draw_lead, draw_table
from .source import short_path

NARROWEST = 50
_STYLE = {
    "proved": "bold green", "helps too": "green", "undecided": "yellow", "no effect": "dim",
    "refused": "red", "harmful": "bold red",
}  # fmt: skip


def show_trial(trial: Trial, file: TextIO | None = None) -> None:
    """Prints the verdicts of a trial.

    Args:
        trial: What to print.
        file: Where to; standard error if not given.
    """
    print_to(file, partial(render_trial, trial))


def render_trial(
    trial: Trial, *, width: int = WIDEST, colour: str | None = None, glyphs: Glyphs = UNICODE
) -> str:
    """Returns the verdicts as text, `width` columns wide; `colour` is one of rich's systems."""
    width = max(width, NARROWEST)
    text = drawn(_page(trial, glyphs, width), width=width, colour=colour)
    return text if glyphs is UNICODE else text.translate(TO_ASCII)


TO_ASCII = str.maketrans({"…": "~", "−": "-", "±": "~", "×": "x", "·": "-"})


def _page(trial: Trial, glyphs: Glyphs, width: int) -> list[RenderableType]:
    title = f"{glyphs.line * 2} assay trial "
    parts: list[RenderableType] = ["", Text(title + glyphs.line * (width - len(title)), "dim"), ""]
    if trial.trouble:
        parts += [Text(f"{glyphs.unseen} nothing to compare: {trial.trouble}", "magenta"), ""]
    if trial.interrupted:
        text = f"{glyphs.warning} {trial.interrupted}: what follows is known so far"
        parts += [Text(text, "yellow"), ""]
    parts += draw_lead(trial, glyphs)
    if trial.verdicts:
        parts += [_table(trial.verdicts, glyphs), ""]
        best = trial.verdicts[0]
        if best.outcome == "proved":
            parts += [*_advice(best, trial, glyphs, width), ""]
        parts += draw_table(trial)
        if trial.change is not None:
            parts += [*render_change(trial.change, glyphs), ""]
        parts += [Text(note, "dim") for note in _notes(trial)]
    parts.append(Text(_cost(trial), "dim"))
    if trial.page is not None:
        parts.append(Text(f"page: {short_path(str(trial.page))}", "dim"))
    return parts


def _table(verdicts: Sequence[Verdict], glyphs: Glyphs) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", expand=False)
    table.add_column("trick", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    table.add_column("effect", no_wrap=True, justify="right")
    table.add_column("interval", no_wrap=True)
    table.add_column("seeds", justify="right")
    table.add_column("why", overflow="fold")
    signs = {"proved": glyphs.healthy, "harmful": glyphs.error, "refused": glyphs.error}
    for verdict in verdicts:
        style = _STYLE[verdict.outcome]
        said = Text(f"{signs.get(verdict.outcome, glyphs.dot)} {verdict.outcome}", style)
        effect, interval = numbers(verdict)
        name = Text(verdict.candidate.name)
        table.add_row(name, said, effect, interval, str(len(verdict.seeds)), Text(verdict.why))
    return table


def numbers(verdict: Verdict) -> tuple[str, str]:
    """Returns the effect and its interval as changes of the metric, the best end first."""
    effect = verdict.effect
    if effect is None:
        return "", ""
    if math.isnan(effect.mean):
        return _where_not_finite(verdict), ""
    sign = -1 if verdict.metric.endswith(HIGHER) else 1
    mean = _per_cent(sign * effect.share(effect.mean))
    if math.isnan(effect.low):
        return mean, ""
    # the largest improvement first
    ends = [_per_cent(sign * effect.share(end)) for end in (effect.high, effect.low)]
    return mean, " to ".join(ends)


def _where_not_finite(verdict: Verdict) -> str:
    """Returns on which side runs came to nothing."""
    worked, works = (all(map(math.isfinite, side)) for side in (verdict.control, verdict.treated))
    if works:
        return "to finite"
    return "from finite" if worked else "not finite"


def _per_cent(share: float) -> str:
    change = -100 * share
    if abs(change) >= 1000:
        return f"{'+' if change > 0 else '−'}{abs(change) / 100 + (change > 0):.2g}×"
    digits = 2 if 99 < -change < 100 else 0 if abs(change) >= 10 else 1
    text = f"{change:+.{digits}f} %"
    return text.replace("-", "−") if float(text.split()[0]) else "0 %"


def _advice(verdict: Verdict, trial: Trial, glyphs: Glyphs, width: int) -> list[RenderableType]:
    """Says what to change, what became of the findings, and draws the curves."""
    lines: list[RenderableType] = []
    head = Text(f"{glyphs.arrow} ", "bold green").append(f"{verdict.candidate.name}", "bold")
    before, after = (
        _mean([shown(verdict.metric, value) for value in side])
        for side in (verdict.control, verdict.treated)
    )
    lines.append(head.append(f": {verdict.metric} {before} {glyphs.arrow} {after}", "bold"))
    rows = Table.grid(padding=(0, 2, 0, 0), expand=True)
    rows.add_column(style="dim", width=9, no_wrap=True)
    rows.add_column(ratio=1, overflow="fold")
    for number, words in enumerate(in_words(verdict.candidate, trial)):
        rows.add_row("" if number else "change", Text(words, "green"))
    if verdict.candidate.why:
        rows.add_row("value", Text(verdict.candidate.why))
    reverse = verdict.reverse
    for what, checks in (("gone", reverse.gone), ("still", reverse.left), ("new", reverse.born)):
        if checks:
            rows.add_row(what, Text(", ".join(checks), "" if what == "gone" else "yellow"))
    if verdict.caution:
        rows.add_row("caution", Text(verdict.caution, "yellow"))
    command = " ".join(f"--with {trick}" for trick in verdict.candidate.tricks)
    rows.add_row("use it", Text(f"assay run {command} {' '.join(trial.command)}"))
    lines.append(Padding(rows, (0, 0, 0, 2)))
    curves = _curves(verdict, trial)
    drawn = draw(*curves, width=min(width - 16, 64), plain=glyphs is ASCII)
    if drawn:
        legend = Text(f"  {verdict.metric}: ", "dim").append("control", CONTROL_STYLE)
        legend.append(", ").append(verdict.candidate.name, TREATED_STYLE)
        legend.append(f"; mean of {counted(len(verdict.seeds), 'seed')} and their spread", "dim")
        lines += ["", legend, *(Padding(line, (0, 0, 0, 2)) for line in drawn)]
    return lines


def in_words(candidate: Candidate, trial: Trial) -> list[str]:
    """Says what to change in the script: the finding's own advice, else what each trick does."""
    wanted = candidate.checks
    said = [
        finding.try_[0]
        for finding in (trial.diagnosis.findings if trial.diagnosis else ())
        if finding.check in wanted
        and finding.try_
        and finding.tricks
        and _is_of(finding.tricks[0], candidate)
    ]
    if said and len(said) >= len(candidate.tricks):
        return list(dict.fromkeys(said))
    lines = []
    for trick in candidate.tricks:
        page = (trick.__doc__ or "").strip().partition("\n\n")[0]
        lines.append(f"{trick}: {' '.join(page.split())}")
    return lines


def _is_of(remedy: Remedy, candidate: Candidate) -> bool:
    """Whether a candidate has a finding's first remedy, with its value: its advice names that."""
    try:
        trick = read(f"{remedy.name}={remedy.value}" if remedy.value else remedy.name)
    except TrickError:  # it takes a value that only a run's record gives
        return remedy.name in candidate.trick_names
    return trick in candidate.tricks


def _curves(
    verdict: Verdict, trial: Trial
) -> tuple[list[Sequence[tuple[int, float]]], list[Sequence[tuple[int, float]]]]:
    treated = trial.results.get(verdict.candidate.name, {})

    def of(results: dict[int, Result]) -> list[Sequence[tuple[int, float]]]:
        found = (results[s].measured.curves.get(verdict.metric) for s in verdict.seeds)
        return [curve for curve in found if curve]

    return of(trial.control), of(treated)


def _mean(values: Sequence[float]) -> str:
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return "not finite"
    text = f"{sum(finite) / len(finite):.3g}"
    return (
        text if len(finite) == len(values) else f"{text} ({len(values) - len(finite)} not finite)"
    )


def _notes(trial: Trial) -> list[str]:
    metrics = dict.fromkeys(v.metric for v in trial.verdicts if v.metric)
    if not metrics:
        return []
    floor = next((v.effect.share(v.effect.floor) for v in trial.verdicts if v.effect), math.nan)
    text = f"effect: change of the {' or '.join(metrics)}, paired by seed"
    known = math.isfinite(floor)
    return [f"{text}; the seeds alone change it by {abs(floor):.1%}" if known else text]


def _cost(trial: Trial) -> str:
    cost = f"finding out took {counted(trial.runs, 'run')}, {trial.seconds:.0f} s"
    if trial.resumed:
        cost += f"; {trial.resumed} known from before were not run again"
    return f"{cost}; records: {trial.folder}"
