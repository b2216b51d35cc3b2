"""A change of the user's own files in a terminal: the diff, how it was checked, how to apply it."""

from __future__ import annotations

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..trials.change import Change
from .ending import counted
from .glyphs import Glyphs
from .source import short_path

MOST_LINES = 60
"""A longer diff is cut on the screen; the file has all of it."""
_STYLE = {"+": "green", "-": "red", "@": "cyan"}


def render_change(change: Change, glyphs: Glyphs) -> list[RenderableType]:
    """Returns the lines of a change; where there is none, why."""
    if change.state == "none":
        return [_rows(("diff", Text(f"none: {change.why}", "dim")))]
    checked = Text(f"{glyphs.healthy} checked: ", "green")
    checked.append(f"{change.why}, in {counted(change.steps, 'step')}")
    lines = change.diff.splitlines()
    body: list[RenderableType] = [_rows(("diff", checked)), ""]
    for line in lines[:MOST_LINES]:
        file = line.startswith(("--- ", "+++ "))
        text = Text(line.expandtabs(4), "bold" if file else _STYLE.get(line[:1], ""))
        body.append(Padding(text, (0, 0, 0, 2)))
    if len(lines) > MOST_LINES:
        body.append(Text(f"  {glyphs.cut} {counted(len(lines) - MOST_LINES, 'more line')}", "dim"))
    rows = []
    if change.written:
        files = ", ".join(short_path(str(path)) for path in change.written)
        rows.append(("written", Text(files, "green")))
    else:
        how = "--write puts it into your file; without it nothing is edited"
        rows.append(("write it", Text(how)))
    if change.path is not None:
        rows.append(("saved", Text(short_path(str(change.path)))))
    return [*body, "", _rows(*rows)]


def _rows(*rows: tuple[str, Text]) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    table.add_column(style="dim", width=9, no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return Padding(table, (0, 0, 0, 2))
