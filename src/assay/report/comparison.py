"""Two runs side by side: in a terminal, and as JSON."""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from .. import __version__
from ..comparison import Change, Comparison, Difference, words
from ..journal.numbers import to_json
from ..journal.view import RunView
from .console import WIDEST, clean, drawn, print_to
from .glyphs import UNICODE, Glyphs
from .sentence import sentence

SCHEMA = 1
MOST_ROWS = 12
MOST_LINES = 12
WIDEST_CELL = 34


def show_comparison(found: Comparison, file: TextIO | None = None, *, quiet: bool = False) -> None:
    """Prints a comparison.

    Args:
        found: What to print.
        file: Where to; standard error if not given.
        quiet: Leave out which runs they are, and what differs and explains nothing.
    """
    print_to(file, partial(render_comparison, found, quiet=quiet))


def render_comparison(
    found: Comparison,
    *,
    quiet: bool = False,
    width: int = WIDEST,
    colour: str | None = None,
    glyphs: Glyphs = UNICODE,
) -> str:
    """Returns the same as text, `width` columns wide; `colour` is one of rich's systems."""
    title = f"{glyphs.line * 2} assay diff "
    parts: list[RenderableType] = [Text("\n" + title + glyphs.line * (width - len(title)), "dim")]
    if not quiet:
        parts += [_run(letter, view) for letter, view in (("A", found.a), ("B", found.b))]
    parts += ["", *_verdict(found, glyphs), ""]
    if found.parting is not None and (rows := words.table(found.parting)):
        parts += [_steps(rows), ""]
    explaining, others = found.explaining, list(found.differences)
    if explaining:
        others = [each for each in others if each not in explaining]
        parts += [_table("differs, and can explain it", explaining, ""), ""]
    for change in found.changes:
        parts += [_change(change), ""]
    if others and not quiet:
        title = "also differs" if found.parting is not None else "differs, and nothing shows it"
        parts += [_table(title, others, "dim"), ""]
    parts += [Text(clean(note), "dim") for note in found.notes]
    return drawn(parts, width=width, colour=colour)


def _run(letter: str, view: RunView) -> Text:
    said = " · ".join(words.outcome(view))
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f"{letter}  ", "bold").append(clean(str(view.facts.get("id") or "")), "cyan")
    return line.append(f"  {command(view)}  ").append(said, "dim")


def command(view: RunView) -> str:
    """Returns what was run, without the path of the interpreter."""
    given = [str(word) for word in view.facts.get("command") or ()]
    return clean(shlex.join([Path(given[0]).name or given[0], *given[1:]])) if given else ""


def _verdict(found: Comparison, glyphs: Glyphs) -> list[RenderableType]:
    alike = found.parting is None
    sign = Text(glyphs.healthy if alike else glyphs.warning, "green" if alike else "yellow")
    head = Table.grid(padding=(0, 1, 0, 0))
    head.add_column(width=1)
    head.add_column(overflow="fold")
    head.add_row(sign, Text(sentence(clean(words.headline(found))), "bold"))
    head.add_row("", Text(clean(words.where(found))))
    return [head]


def _steps(rows: list[tuple[str, int, str, str]]) -> RenderableType:
    table = _columns("as far as seen", "A", "B")
    for label, step, one, other in rows:
        name = Text(f"{label}, step {step:,}")
        if one == "alike":
            table.add_row(name, Text("alike", "dim"), Text("alike", "dim"))
        else:
            table.add_row(name, Text(clean(one)), Text(clean(other)))
    return Padding(table, (0, 0, 0, 2))


def _table(title: str, rows: list[Difference] | tuple[Difference, ...], style: str) -> Padding:
    table = _columns(title, "A", "B")
    for each in rows[:MOST_ROWS]:
        table.add_row(*(Text(_short(cell), style) for cell in (each.name, each.a, each.b)))
    if len(rows) > MOST_ROWS:
        table.add_row(Text(f"{len(rows) - MOST_ROWS} more: --json has all", "dim"), "", "")
    return Padding(table, (0, 0, 0, 2))


def _change(change: Change) -> Padding:
    """Returns the lines of a file that only one of the runs had."""
    text = Text(no_wrap=True, overflow="ellipsis").append(clean(change.file), "cyan")
    digits = max((len(str(line.number)) for line in change.lines), default=1)
    for line in change.lines[:MOST_LINES]:
        said = f"\n{line.sign} {line.number:>{digits}}  {clean(line.text.expandtabs(4))}"
        text.append(said, "red" if line.sign == "-" else "green")
    if more := max(len(change.lines) - MOST_LINES, 0) + change.left_out:
        text.append(f"\n  and {more:,} more lines", "dim")
    return Padding(text, (0, 0, 0, 2))


def _columns(*names: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    return table


def _short(text: str) -> str:
    text = " ".join(clean(text).split())
    return text if len(text) <= WIDEST_CELL else f"{text[: WIDEST_CELL - 1]}…"


def as_dict(found: Comparison) -> dict[str, Any]:
    """Returns a comparison as JSON holds it."""
    parting = found.parting
    explaining = found.explaining
    result: dict[str, Any] = {
        "schema": SCHEMA,
        "assay": __version__,
        "alike": parting is None,
        "said": [words.headline(found), words.where(found)],
        "a": _told(found.a),
        "b": _told(found.b),
        "compared": {
            "steps": found.steps,
            "losses": found.losses,
            "digits": found.digits,
            "weights": found.weights,
        },
        "differences": [
            {"name": d.name, "a": d.a, "b": d.b, "explains": d in explaining}
            for d in found.differences
        ],
        "changes": [
            {
                "file": change.file,
                "lines": [[line.sign, line.number, line.text] for line in change.lines],
                "left_out": change.left_out,
            }
            for change in found.changes
        ],
        "notes": list(found.notes),
    }
    if parting is not None:
        result["parting"] = {
            "training": parting.training,
            "optimizer": parting.optimizer,
            "step": parting.step,
            "stage": parting.stage.name.lower(),
            "seen": [
                {
                    "stage": seen.stage.name.lower(),
                    "signal": seen.signal,
                    "place": seen.place,
                    "step": seen.step,
                    "alike": seen.alike,
                    "a": to_json(seen.a),
                    "b": to_json(seen.b),
                }
                for seen in parting.seen
            ],
        }
    return result


def _told(view: RunView) -> dict[str, Any]:
    return {
        "id": str(view.facts.get("id") or ""),
        "command": [str(word) for word in view.facts.get("command") or ()],
        "steps": view.steps,
    }
