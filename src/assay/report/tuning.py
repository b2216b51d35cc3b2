"""A search in a terminal: the answer, what it rests on, and what to write to use it."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TextIO

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ..trials.metric import HIGHER
from ..trials.plan import Candidate
from ..trials.trial import Trial
from ..trials.verdict import Verdict
from ..tuning.importances import Importances
from ..tuning.setting import with_argument
from ..tuning.space import written
from ..tuning.tuned import Tuned
from .change import render_change
from .console import WIDEST, drawn, print_to
from .ending import counted
from .glyphs import UNICODE, Glyphs
from .source import short_path
from .verdicts import TO_ASCII, numbers

NARROWEST = 50
SHOWN, MOST = 5, 12
"""So many of the best points, and of a front."""


def show_tuned(
    tuned: Tuned, trial: Trial, table: Path | None = None, file: TextIO | None = None
) -> None:
    """Prints what came of a search.

    Args:
        tuned: The search.
        trial: The trial in which it was made, with the verdict.
        table: Where all points lie as CSV.
        file: Where to; standard error if not given.
    """
    print_to(file, partial(render_tuned, tuned, trial, table))


def render_tuned(
    tuned: Tuned,
    trial: Trial,
    table: Path | None = None,
    *,
    width: int = WIDEST,
    colour: str | None = None,
    glyphs: Glyphs = UNICODE,
) -> str:
    """Returns the same as text, `width` columns wide; `colour` is one of rich's systems."""
    width = max(width, NARROWEST)
    title = f"{glyphs.line * 2} assay tune "
    parts: list[RenderableType] = ["", Text(title + glyphs.line * (width - len(title)), "dim"), ""]
    verdict = trial.verdicts[0] if trial.verdicts else None
    if trial.interrupted:
        text = f"{glyphs.warning} {trial.interrupted}: what follows is known so far"
        parts += [Text(text, "yellow"), ""]
    if trial.trouble:
        parts += [Text(f"{glyphs.unseen} nothing to choose from: {trial.trouble}", "magenta"), ""]
    elif tuned.tried:
        parts += [_answer(tuned, verdict, glyphs), ""]
    parts.append(_rows(tuned, trial, verdict))
    if tuned.done:
        parts += ["", _points(tuned)]
    if trial.change is not None and trial.change.state == "checked":
        parts += ["", *render_change(trial.change, glyphs)]
    parts += ["", Text(_cost(tuned, trial), "dim")]
    if table is not None:
        parts.append(Text(f"points: {short_path(str(table))}", "dim"))
    if trial.page is not None:
        parts.append(Text(f"page: {short_path(str(trial.page))}", "dim"))
    text = drawn(parts, width=width, colour=colour)
    return text if glyphs is UNICODE else text.translate(TO_ASCII)


def _answer(tuned: Tuned, verdict: Verdict | None, glyphs: Glyphs) -> Text:
    line = Text(f"{glyphs.arrow} ")
    if tuned.best is None:
        tried = counted(len(tuned.done) + len(tuned.pruned), "point")
        said = f"no better: of {tried} none beats the script as it is"
        return line.append(said, "bold")
    if verdict is None or verdict.effect is None:
        why = verdict.why if verdict else "it was not run on fresh seeds"
        return line.append(f"not proved: {tuned.best.name} is the best so far; {why}", "bold")
    effect, interval = numbers(verdict)
    sides = f"{verdict.metric} {effect}" + (f", {interval}" if interval else "")
    if verdict.outcome == "proved":
        return line.append(f"better: {tuned.best.name}", "bold green").append(
            f"   {sides} on fresh seeds", "bold"
        )
    return line.append("no better than the script as it is, as far as can be proved", "bold")


def _rows(tuned: Tuned, trial: Trial, verdict: Verdict | None) -> Table:
    rows = Table.grid(padding=(0, 2, 0, 0))
    rows.add_column(style="dim", width=12, no_wrap=True)
    rows.add_column(overflow="fold")
    best = tuned.best
    if best is not None:
        rows.add_row("best point", Text(best.name))
    if verdict is not None and verdict.effect is not None:
        effect, interval = numbers(verdict)
        fresh = len(verdict.effect.differences)
        said = f"{verdict.outcome}: {verdict.metric} {effect}"
        said += f" ({interval})" if interval else ""
        rows.add_row("proof", Text(f"{said} on {counted(fresh, 'fresh seed')}; {_why(verdict)}"))
        if verdict.caution:
            rows.add_row("caution", Text(verdict.caution, "yellow"))
    if best is not None and math.isfinite(tuned.found):
        rows.add_row("search", Text(_optimism(tuned, verdict)))
    if best is not None:
        proved = verdict is not None and verdict.outcome == "proved"
        for words in usage(best, trial.command, tuned):
            rows.add_row("use it" if proved else "try it", Text(words, "green" if proved else ""))
    if tuned.others and tuned.front:
        count = counted(len(tuned.front), "point")
        said = f"{count}: no other is as good in {' and '.join(tuned.metrics)} and better in one"
        rows.add_row("front", Text(f"{said}, {_seeds(tuned)}; the proof is of the first"))
    reasons = Counter(tried.why for tried in tuned.pruned)
    for why, number in reasons.most_common(SHOWN):
        rows.add_row("pruned", Text(f"{counted(number, 'point')}: {why}"))
    if tuned.importances is not None:
        rows.add_row("importance", Text(_importance(tuned.importances, tuned.metric)))
    for caution in tuned.cautions:
        rows.add_row("caution", Text(caution, "yellow"))
    for dimension in tuned.space:
        rows.add_row("searched", Text(f"{dimension}" + (dimension.why and f"   {dimension.why}"),
                                      "dim"))  # fmt: skip
    return rows


def _why(verdict: Verdict) -> str:
    """Says why a proof went no further: one seed that gets worse ends it."""
    differences = () if verdict.effect is None else verdict.effect.differences
    if verdict.outcome == "undecided" and any(difference <= 0 for difference in differences):
        return "a fresh seed that does not improve leaves nothing to prove"
    return verdict.why


def _optimism(tuned: Tuned, verdict: Verdict | None) -> str:
    """Says how much better the best looked on the seed by which it was chosen."""
    among = f"the best of {counted(len(tuned.done), 'point')} {_seeds(tuned)} it"
    sign = -1 if tuned.metric.endswith(HIGHER) else 1
    said = f"{-100 * sign * tuned.found:+.3g} %: {among}".replace("-", "−", 1)
    effect = None if verdict is None else verdict.effect
    if effect is None or not math.isfinite(effect.mean):
        return f"{said}, which flatters it: fresh seeds have not been run to the end"
    less = 100 * (tuned.found - effect.share(effect.mean))
    if less > 0:
        return f"{said}; choosing it flattered it by {less:.2g} points"
    return f"{said}; fresh seeds say no less"


def usage(candidate: Candidate, command: tuple[str, ...], tuned: Tuned) -> list[str]:
    """Returns the command lines, and the lines of files, that train with a candidate's setting."""
    words = list(command)
    values = tuned.done[0].point if tuned.done else {}
    files = []
    for dimension in tuned.space:
        value = values.get(dimension.name, "")
        if dimension.kind == "file":
            path, _, place = dimension.key.rpartition(":")
            files.append(f"in {path}: {place} = {value}")
        elif dimension.kind == "arg":
            words = with_argument(words, dimension.key, written(value))
    before = [f"{name}={shlex.quote(value)}" for name, value in candidate.given.variables]
    head = [f"--with {shlex.quote(word)}" for word in candidate.words]
    start = ["assay run", *head] if head else ["python"] if words[0] != "--" else []
    shown = words[1:] if words[0] == "--" and not head else words
    line = " ".join([*before, *start, shlex.join(shown)])
    return [*files, line]


def _points(tuned: Tuned) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("point", justify="right")
    for metric in tuned.metrics:
        table.add_column(metric, justify="right")
    for dimension in tuned.space:
        table.add_column(dimension.name, justify="right", overflow="fold")
    front = tuned.front if tuned.others else []
    shown = (front or tuned.done)[: max(SHOWN, len(front) and MOST)]
    own = next((tried for tried in tuned.done if tried.own), None)
    if own is not None and own not in shown:
        shown.append(own)
    for tried in shown:
        cells = [_short(tried.point[d.name]) for d in tuned.space]
        name = "as it is" if tried.own else str(tried.number)
        values = [f"{tuned.shown(value, n):.4g}" for n, value in enumerate(tried.values)]
        table.add_row(name, *values, *cells)
    if own is None and math.isfinite(tuned.control):
        empty = ["" for _ in (*tuned.others, *tuned.space)]
        table.add_row("as it is", f"{tuned.shown(tuned.control):.4g}", *empty)
    return table


def _seeds(tuned: Tuned) -> str:
    """Says by how many seeds points were compared."""
    return "on the seed that chose" if tuned.repeat == 1 else "on the seeds that chose"


def _importance(found: Importances, metric: str) -> str:
    """Says what matters, with the range of the fits."""
    said = [
        f"{name} {mean:.0%} ({low:.0%} to {high:.0%})"
        for name, (mean, low, high) in found.shares.items()
    ]
    what = "of what changes" if found.method == "fANOVA" else "of what makes good"
    return f"{', '.join(said)} {what} {metric}, by {found.method} over {found.points} points"


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _cost(tuned: Tuned, trial: Trial) -> str:
    ended = len(tuned.done) + len(tuned.pruned)
    cost = f"{counted(ended, 'point')} by {tuned.sampler} in {tuned.search_seconds:.0f} s, all in "
    cost += f"{trial.seconds:.0f} s with {counted(trial.runs, 'run')} by this process"
    if math.isfinite(tuned.own_share):
        took = f"{tuned.own_seconds:.1f} s beside {tuned.run_seconds:.0f} s of points"
        cost += f"; tuning itself took {took} ({tuned.own_share:.1%})"
    if trial.resumed:
        cost += f"; {trial.resumed} known from before were not run again"
    return f"{cost}; go on with --study {short_path(str(tuned.folder))}"
