"""`assay checks`: what assay looks for, family by family."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..checks.base import Check
from ..configured import configured_checks
from .words import Parser


def main(words: Sequence[str]) -> int:
    """Runs the verb."""
    Parser(prog="assay checks", description="List what assay looks for.").read(words)
    checks = configured_checks()
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    out = Console(highlight=False, emoji=False)
    if not out.is_terminal:  # one check a line, for grep
        for check in checks:
            sys.stdout.write(f"{check.name}\t{check.family}\t{check.severity}\t{illness(check)}\n")
        return 0
    styles = {"error": "red", "warning": "yellow", "note": "blue"}
    table = Table.grid(padding=(0, 2))
    for family in dict.fromkeys(check.family for check in checks):
        table.add_row(Text(family, "bold"))
        for check in checks:
            if check.family == family:
                severity = Text(check.severity, styles[check.severity])
                table.add_row(Text(f"  {check.name}"), severity, Text(illness(check), "dim"))
    out.print(table)
    out.print(Text("\nassay explain NAME tells all about one of them.", "dim"))
    return 0


def illness(check: Check) -> str:
    """Returns the first sentence of a check's page."""
    return (type(check).__doc__ or "").strip().partition("\n\n")[0].replace("\n", " ").strip()
