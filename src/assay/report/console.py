"""Text for a terminal: drawn at its width, in its colours, with signs that it can show."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from typing import Protocol, TextIO

from rich.console import Console, RenderableType

from .glyphs import ASCII, UNICODE, Glyphs

WIDEST = 100


class Render(Protocol):
    """Makes the text of a report."""

    def __call__(self, *, width: int, colour: str | None, glyphs: Glyphs) -> str:
        """Returns it, `width` columns wide; `colour` is one of rich's systems, None for none."""


def print_to(file: TextIO | None, render: Render) -> None:
    """Prints a text in the width, the colours and the signs of a file.

    Args:
        file: Where to; standard error if None, so that a script's own output stays as it is.
        render: Makes the text.
    """
    file = sys.stderr if file is None else file
    outer = Console(file=file)
    encoding = getattr(file, "encoding", None) or "utf-8"
    glyphs = UNICODE if encoding.lower().replace("-", "").startswith("utf") else ASCII
    width = min(outer.width, WIDEST) if outer.is_terminal else WIDEST
    colour = None if outer.no_color else outer.color_system
    text = render(width=width, colour=colour, glyphs=glyphs)
    # a terminal that can't show a user's unicode gets a question mark, never a traceback
    file.write(text.encode(encoding, "replace").decode(encoding))
    file.flush()


def drawn(parts: Iterable[RenderableType], *, width: int, colour: str | None) -> str:
    """Returns what rich makes of the parts, without spaces at the ends of lines.

    Args:
        parts: What to draw; nothing in it is read as markup.
        width: In columns.
        colour: One of rich's colour systems; None for no colour.
    """
    file = io.StringIO()
    console = Console(
        file=file,
        width=width,
        color_system=colour,  # type: ignore[arg-type]
        force_terminal=colour is not None,
        no_color=colour is None,
        legacy_windows=False,
        highlight=False,
        emoji=False,
        markup=False,
    )
    for part in parts:
        console.print(part)
    return "\n".join(line.rstrip() for line in file.getvalue().split("\n"))


def clean(text: object) -> str:
    """Returns text from a user's program with its control characters made visible."""
    return "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode()
        for char in str(text)
    )
