"""`assay trials`: what has been tried so far, and what came of it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..trials.store import Store
from .trying import trials_folder
from .words import Parser, whole_number


def main(words: Sequence[str]) -> int:
    """Runs the verb."""
    parser = Parser(prog="assay trials", description="List what has been tried so far.")
    parser.add_argument("--last", type=whole_number, metavar="N", help="only the latest N")
    given = parser.read(words)
    found = Store(trials_folder()).trials()
    found = found[-given.last :] if given.last else found
    if not found:
        sys.stderr.write("assay: no trials yet: make one with `assay try` or `assay fix`\n")
        return 0
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    out = Console(highlight=False, emoji=False, markup=False)
    if not out.is_terminal:  # one verdict a line, for grep
        for trial in found:
            for name, outcome in _outcomes(trial) or [("", _state(trial))]:
                sys.stdout.write(f"{trial['trial']}\t{_script(trial)}\t{name}\t{outcome}\n")
        return 0
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("trial", "script", "trick", "verdict", "runs"):
        table.add_column(column, overflow="fold")
    for trial in found:
        runs = str((trial.get("cost") or {}).get("runs", ""))
        rows = _outcomes(trial) or [("", _state(trial))]
        for number, (name, outcome) in enumerate(rows):
            shown = (str(trial["trial"]), _script(trial)) if number == 0 else ("", "")
            style = {"proved": "green", "harmful": "red"}.get(outcome, "")
            cells = [Text(text) for text in (*shown, name)]
            table.add_row(*cells, Text(outcome, style), "" if number else runs)
    out.print(table)
    return 0


def _outcomes(trial: Mapping[str, Any]) -> list[tuple[str, str]]:
    verdicts = trial.get("verdicts")
    if not isinstance(verdicts, list):
        return []
    return [
        (str(v.get("candidate")), str(v.get("verdict"))) for v in verdicts if isinstance(v, dict)
    ]


def _state(trial: Mapping[str, Any]) -> str:
    if "ended" not in trial:
        return "not finished"
    return str(trial.get("trouble") or trial.get("interrupted") or "nothing to fix")


def _script(trial: Mapping[str, Any]) -> str:
    words = [str(word) for word in trial.get("command") or ()]
    return next((Path(word).name for word in words if word.endswith(".py")), " ".join(words)[:40])
