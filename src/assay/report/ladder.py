"""The ladder in a terminal: one line of rungs, where the fault lies, what to look at."""

from __future__ import annotations

from typing import TextIO

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from ..diagnosis.ladder import LOOK, Ladder
from .console import clean, drawn, print_to
from .glyphs import Glyphs
from .sentence import sentence

_STYLE = {"passes": "green", "fails": "bold red", "untried": "magenta"}


def print_ladder(ladder: Ladder, file: TextIO | None = None) -> None:
    """Prints a ladder alone, to standard error if no file is given."""

    def render(*, width: int, colour: str | None, glyphs: Glyphs) -> str:
        return drawn([*show_ladder(ladder, glyphs), ""], width=width, colour=colour)

    print_to(file, render)


def show_ladder(ladder: Ladder, glyphs: Glyphs) -> list[RenderableType]:
    """Returns the parts of a report that tell of the ladder."""
    if not ladder.rungs:
        return [Text(clean(f"ladder: {ladder.why}"), "magenta")]
    signs = {"passes": glyphs.healthy, "fails": glyphs.error, "untried": glyphs.unseen}
    line = Text("ladder: ", "bold")
    for number, rung in enumerate(ladder.rungs):
        line.append("  " * bool(number)).append(rung.name)
        line.append(f" {signs[rung.state]}", _STYLE[rung.state])
    parts: list[RenderableType] = [line]
    parts.append(Padding(Text(clean(sentence(ladder.verdict()))), (0, 0, 0, 2)))
    if ladder.broken is not None:
        look = Text(f"{glyphs.arrow} {clean(LOOK[ladder.broken.name])}")
        parts.append(Padding(look, (0, 0, 0, 2)))
    reasons: dict[str, list[str]] = {}
    for rung in ladder.rungs:
        if rung.state == "untried":
            reasons.setdefault(rung.said, []).append(rung.name)
    for why, names in reasons.items():
        text = f"{glyphs.unseen} {', '.join(names)} could not be tried: {clean(why)}"
        parts.append(Padding(Text(text, "dim"), (0, 0, 0, 2)))
    return parts
