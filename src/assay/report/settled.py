"""What a trial says of causes, in words and in a terminal: settled, or what stands."""

from __future__ import annotations

from typing import NamedTuple

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..checks.effects import Effect
from ..trials.settled import table
from ..trials.trial import Trial
from ..trials.verdict import Verdict, listed
from .glyphs import Glyphs

ENDS = {Effect.NOT_FINITE, Effect.NOT_LEARNING, Effect.COLLAPSED, Effect.DIVERGING}
"""Effects that nobody would call a cause, even where a trick takes them away."""


class Lead(NamedTuple):
    """What stands at the top of a trial of `fix`.

    Attributes:
        settled: Whether the experiment has proved a cause.
        head: Which one, or which one stands.
        lines: What that rests on.
        differs: Where it is otherwise than `check` had said.
    """

    settled: bool
    head: str
    lines: tuple[str, ...] = ()
    differs: str = ""


def lead(trial: Trial) -> Lead | None:
    """Returns what the trial says of causes; None where nothing was diagnosed, or nothing run."""
    settled, diagnosis = trial.settled, trial.diagnosis
    if settled is not None:
        both = len(settled.causes) > 1
        alone = " together" if both else "" if settled.uncovered else " alone"
        head = f"{listed(settled.causes)} {'are the causes' if both else 'is the cause'}"
        if all(_ends(trial, check) for check in settled.causes):
            head = f"{listed(settled.causes)} {'are' if both else 'is'} mended by {settled.remedy}"
        if settled.uncovered:
            once = f"once {_is(settled.causes)} mended"
            head += f", and {listed(settled.uncovered)} shows {once}"
        also = f", and so {_are(settled.explains)}" if settled.explains else ""
        lines = [f"with {settled.remedy}{alone} {_is(settled.causes)} gone{also}"]
        if settled.left:
            lines.append(f"still found with it: {listed(settled.left)}")
        differs = f"check had said otherwise: {listed(settled.differs)}" if settled.differs else ""
        return Lead(True, f"settled by experiment: {head}", tuple(lines), differs)
    ran = any(verdict.effect for verdict in trial.verdicts)
    causes = [f for f in diagnosis.causes if f.severity != "note"] if diagnosis else []
    if not causes or not ran or not any(v.candidate.checks for v in trial.verdicts):
        return None
    first = causes[0]
    advice = tuple(f"to change: {text}" for text in first.try_[:1])
    mended = next((v for v in trial.verdicts if _mends(v, first.check)), None)
    if mended is not None:
        goes = f"{first.check} goes with {mended.candidate.name}, {mended.outcome}: {mended.why}"
        return Lead(False, f"not settled: {goes}", advice)
    why = next((check.by_hand for check in trial.checks if check.name == first.check), "")
    said = "" if first.tricks else f": no trick mends it{why and f', since {why}'}"
    return Lead(False, f"not settled: {first.check} stands{said}", advice)


def _ends(trial: Trial, check: str) -> bool:
    """Whether a finding is how a training ends, which something else has brought on."""
    effects = next((set(c.is_effect) for c in trial.checks if c.name == check), set[Effect]())
    return bool(effects) and effects <= ENDS


def _mends(verdict: Verdict, check: str) -> bool:
    return verdict.candidate.checks == (check,) and check in verdict.reverse.gone


def _is(checks: tuple[str, ...]) -> str:
    return "they are" if len(checks) > 1 else "it is"


def _are(checks: tuple[str, ...]) -> str:
    return f"{'are' if len(checks) > 1 else 'is'} {listed(checks)}"


def draw_lead(trial: Trial, glyphs: Glyphs) -> list[RenderableType]:
    """Returns the lead as lines of a terminal; nothing where there is none."""
    said = lead(trial)
    if said is None:
        return []
    sign, style = (glyphs.healthy, "bold green") if said.settled else (glyphs.warning, "yellow")
    lines: list[RenderableType] = [Text(f"{sign} {said.head}", style)]
    lines += [Padding(Text(line), (0, 0, 0, 2)) for line in said.lines]
    if said.differs:
        lines.append(Padding(Text(said.differs, "yellow"), (0, 0, 0, 2)))
    return [*lines, ""]


def draw_table(trial: Trial) -> list[RenderableType]:
    """Returns what became of each finding with which remedies; nothing where one was run."""
    rows = table(trial)
    if not rows or len(rows[0].states) < 2:
        return []
    drawn = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", expand=False)
    drawn.add_column("finding", overflow="fold", ratio=2)
    for name in ("gone with", "still there with", "new with"):
        drawn.add_column(name, overflow="fold", ratio=3)
    for row in rows:
        left = [*row.remedies("still there"), *(f"{r} (hidden)" for r in row.remedies("hidden"))]
        cells = (", ".join(names) for names in (row.remedies("gone"), left, row.remedies("new")))
        drawn.add_row(Text(row.finding), *map(Text, cells))
    return [drawn, ""]
