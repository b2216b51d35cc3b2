"""`assay numerics`: the range of each format of numbers, and where exp and log leave it."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..launch.errors import LaunchError
from ..signals.formats import FORMATS, GUARDS, Format, named
from .complaint import complain
from .options import can_be_written
from .words import Parser, did_you_mean


def main(words: Sequence[str]) -> int:
    """Runs the verb.

    Raises:
        LaunchError: A format is not known, or the JSON can't be written there.
    """
    parser = Parser(
        prog="assay numerics",
        usage="assay numerics [OPTIONS] [DTYPE...]",
        description="Tell the range of formats of numbers, and where exp and log leave it.",
    )
    parser.add_argument("dtypes", nargs="*", metavar="DTYPE", help=f"{', '.join(FORMATS)}")
    parser.add_argument("--json", metavar="FILE", help="write them as JSON; - is standard output")
    given = parser.read(words)
    formats = list(dict.fromkeys(each for word in given.dtypes for each in _named(word)))
    formats = formats or list(FORMATS.values())
    if given.json is not None:
        can_be_written(given.json)
        return _write(formats, given.json)
    for line in _table(formats):
        sys.stdout.write(line + "\n")
    return 0


def _named(word: str) -> tuple[Format, ...]:
    try:
        return named(word)
    except KeyError:
        hint = did_you_mean(word.lower(), FORMATS) or f"; there are {', '.join(FORMATS)}"
        raise LaunchError(f"no format of numbers is called {word!r}{hint}") from None


def _table(formats: Sequence[Format]) -> list[str]:
    rows = [["", *(each.name for each in formats)]]
    rows += [
        ["exponent + fraction", *(f"{f.exponent} + {f.fraction}" for f in formats)],
        ["largest", *(_number(f.largest) for f in formats)],
        ["smallest normal", *(_number(f.smallest_normal) for f in formats)],
        ["smallest subnormal", *(_number(f.smallest_subnormal) for f in formats)],
        ["eps: 1 to the next", *(_number(f.eps) for f in formats)],
        ["log(eps)", *(f"{math.log(f.eps):.2f}" for f in formats)],
        ["exp overflows above", *(f"{f.exp_overflows:.2f}" for f in formats)],
        ["exp is 0 below", *(f"{f.exp_vanishes:.2f}" for f in formats)],
    ]
    for guard in GUARDS:
        rows.append([f"{guard:.0e} becomes", *(_number(f.rounded(guard)) for f in formats)])
        rows.append([f"log({guard:.0e}) becomes", *(f"{f.log_of(guard):.2f}" for f in formats)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        row[0].ljust(widths[0])
        + "".join(f"  {cell.rjust(width)}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    ]


def _number(value: float) -> str:
    return f"{value:,.0f}" if 10 <= value < 1e6 else f"{value:.4g}"


def _write(formats: Sequence[Format], target: str) -> int:
    text = json.dumps({each.name: _facts(each) for each in formats}, indent=2) + "\n"
    if target == "-":
        sys.stdout.write(text)
        return 0
    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        complain(f"--json: can't write {target}: {error.strerror}")
        return 2
    return 0


def _facts(each: Format) -> dict[str, Any]:
    return {
        "dtype": each.dtype or None,
        "bits": each.bits,
        "exponent_bits": each.exponent,
        "fraction_bits": each.fraction,
        "infinities": each.infinities,
        "largest": each.largest,
        "smallest_normal": each.smallest_normal,
        "smallest_subnormal": each.smallest_subnormal,
        "eps": each.eps,
        "log_eps": math.log(each.eps),
        "exp_overflows_above": each.exp_overflows,
        "exp_is_zero_below": each.exp_vanishes,
        "stored": {f"{guard:.0e}": each.rounded(guard) for guard in GUARDS},
        "log_of_stored": {
            f"{guard:.0e}": log if math.isfinite(log := each.log_of(guard)) else None
            for guard in GUARDS
        },
    }
