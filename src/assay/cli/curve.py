"""One line drawn in a terminal, without torch and without anything to install."""

from __future__ import annotations

from collections.abc import Sequence

_BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""Bits of a braille character, by column and row (Unicode standard, block 2800)."""


def draw(
    values: Sequence[float], title: str, *, width: int = 60, height: int = 12, plain: bool = False
) -> list[str]:
    """Draws values from 0 to 1, one a step, on a linear scale.

    Args:
        values: at least one.
        title: stands above.
        width: in characters, without the scale on the left.
        height: in rows, without title and steps.
        plain: draw with ASCII only.

    Returns:
        One text a row.
    """
    across, down = (1, 1) if plain else (2, 4)
    columns, rows = width * across, height * down
    last = len(values) - 1
    cells: dict[tuple[int, int], int] = {}
    previous: int | None = None
    for x in range(columns):
        value = values[round(x * last / max(columns - 1, 1))]
        y = round((1 - min(max(value, 0.0), 1.0)) * (rows - 1))
        between = (
            range(y, y + 1) if previous is None else range(min(y, previous), max(y, previous) + 1)
        )
        for level in between:
            key = x // across, level // down
            cells[key] = cells.get(key, 0) | _BITS[x % across][level % down]
        previous = y
    lines = [title]
    for row in range(height):
        scale = "1" if row == 0 else "0" if row == height - 1 else ""
        signs = (_sign(cells.get((column, row), 0), plain=plain) for column in range(width))
        lines.append(f"{scale:>2} " + "".join(signs).rstrip())
    first = "   step 0"
    return [*lines, first + f"{last:>{width + 3 - len(first)}}"]


def _sign(bits: int, *, plain: bool) -> str:
    if plain:
        return "*" if bits else " "
    return chr(0x2800 | bits) if bits else " "
