"""A merge in a terminal: what was written, how alike the inputs are, what to know of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, TextIO

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ..fusion.barrier import barrier
from ..fusion.fused import Fused
from .console import WIDEST, clean, drawn, print_to
from .ending import counted
from .glyphs import UNICODE, Glyphs
from .verdicts import TO_ASCII

SHOWN = 8
"""So many tensors, those in which the inputs are least alike."""


def show_fused(fused: Fused, file: TextIO | None = None) -> None:
    """Prints a merge; on standard error if no file is given."""
    print_to(file, partial(render_fused, fused))


def render_fused(
    fused: Fused, *, width: int = WIDEST, colour: str | None = None, glyphs: Glyphs = UNICODE
) -> str:
    """Returns the same as text, `width` columns wide; `colour` is one of rich's systems."""
    title = f"{glyphs.line * 2} assay merge "
    parts: list[RenderableType] = [
        "", Text(title + glyphs.line * (width - len(title)), "dim"), "",
        Text(_headline(fused, glyphs), "bold"), "", _rows(fused), *_layers(fused),
    ]  # fmt: skip
    text = drawn(parts, width=width, colour=colour)
    return text if glyphs is UNICODE else text.translate(TO_ASCII)


def _headline(fused: Fused, glyphs: Glyphs) -> str:
    many = counted(len(fused.asked.inputs), "checkpoint")
    if fused.refused:
        return f"{glyphs.warning} nothing was written: {fused.refused}"
    if fused.written:
        return clean(f"{glyphs.arrow} {fused.asked.output}: {fused.asked.method} of {many}")
    return f"{many} compared; -o FILE writes their merge"


def _rows(fused: Fused) -> Table:
    rows = Table.grid(padding=(0, 2, 0, 0))
    rows.add_column(style="dim", width=10, no_wrap=True)
    rows.add_column(overflow="fold")
    for i, path in enumerate(fused.asked.inputs):
        weight = f"  weight {fused.asked.weights[i]:g}" if fused.asked.method.weighted else ""
        score = f"  {_number(fused, fused.scores[i])}" if fused.scores else ""
        left = fused.chosen and i not in fused.chosen
        rows.add_row("" if i else "of", Text(clean(path) + weight + score, "dim" if left else ""))
    if fused.asked.base:
        rows.add_row("base", Text(clean(fused.asked.base)))
    if fused.score is not None:
        rows.add_row("merge", Text(_number(fused, fused.score), "bold"))
    if fused.chosen:
        names = ", ".join(clean(fused.asked.inputs[i]) for i in fused.chosen)
        rows.add_row("soup", f"{names}, chosen by {counted(fused.tried, 'average')}")
    elif fused.tried:
        rows.add_row("chosen", f"the best of {counted(fused.tried, 'point')}: {_point(fused)}")
    if fused.proof is not None:
        here, best = (_number(fused, value) for value in fused.proof)
        rows.add_row("proof", f"on other data {here}, the best input {best}")
    if fused.curve:
        rows.add_row("barrier", _barrier(fused))
    for path, facts in zip(fused.asked.inputs[1:], fused.aligned, strict=False):
        rows.add_row("aligned", f"{clean(path)}: {facts['moved']} of {facts['units']} units moved")
    if fused.batches:
        rows.add_row(
            "statistics", f"of batch norms refreshed on {fused.batches} batches of training"
        )
    rows.add_row(
        "model",
        f"{counted(fused.facts['parameters'], 'parameter')} in "
        f"{counted(fused.facts['tensors'], 'tensor')}",
    )
    if fused.likeness["cosine"] is not None:
        rows.add_row(
            "likeness",
            f"cosine {fused.likeness['cosine']:.3f}, {_percent(fused.likeness['apart'])} of their "
            "length apart, over all matrices, the mean over pairs",
        )
    for caution in fused.cautions:
        rows.add_row("caution", Text(clean(caution), "yellow"))
    return rows


def _number(fused: Fused, value: float) -> str:
    return f"{fused.shown(value):.4g}" if math.isfinite(value) else "not finite"


def _point(fused: Fused) -> str:
    weights = ", ".join(f"{weight:.3g}" for weight in fused.asked.weights)
    return f"{fused.asked.method}, weights {weights}"


def _barrier(fused: Fused) -> str:
    rise, where = barrier(fused.curve)
    values = ", ".join(f"{_number(fused, value)} at {t:g}" for t, value in fused.curve)
    said = f"worse by {rise:.3g} at {where:g} than on a straight line" if rise > 0 else "none"
    return f"{said}; from the first to the second: {values}"


def _layers(fused: Fused) -> Sequence[RenderableType]:
    rows = [row for row in fused.likeness["rows"] if row["apart"] is not None]
    if not rows:
        return ()
    rows.sort(key=lambda row: -row["apart"])
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("least alike", overflow="fold")
    table.add_column("shape")
    table.add_column("cosine", justify="right")
    table.add_column("apart", justify="right")
    for row in rows[:SHOWN]:
        shape = "×".join(map(str, row["shape"]))
        table.add_row(clean(row["name"]), shape, _cosine(row), _percent(row["apart"]))
    more = len(fused.likeness["rows"]) - len(rows[:SHOWN])
    said = [Text(f"and {counted(more, 'tensor')} more: --json FILE has all", "dim")] if more else []
    return ["", table, *said]


def _cosine(row: dict[str, Any]) -> str:
    return "" if row["cosine"] is None else f"{row['cosine']:.3f}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}".replace("%", " %")
