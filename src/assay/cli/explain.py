"""`assay explain NAME`: the page of one check, written from its own docstring and limits."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence

from ..checks.base import Check
from ..checks.registry import CHECKS, by_name
from ..launch.errors import LaunchError
from .words import Parser, did_you_mean

_TIERS = {
    "exact": "exact: no correct training step does this",
    "probe": "a controlled measurement in the run",
    "heuristic": "a limit on a curve, calibrated on healthy runs",
}


def main(words: Sequence[str]) -> int:
    """Runs the verb.

    Raises:
        LaunchError: There is no such check.
    """
    parser = Parser(prog="assay explain", description="Tell all about one check.")
    parser.add_argument(
        "name", metavar="NAME", nargs="?", help="a check; `assay checks` lists them"
    )
    name = parser.read(words).name
    if name is None:
        raise LaunchError("name a check to explain; `assay checks` lists them")
    check = by_name(name)
    if check is None:
        hint = did_you_mean(name, [c.name for c in CHECKS]) or "; `assay checks` lists them"
        raise LaunchError(f"no check is called {name!r}{hint}")
    text = page(check)
    if not sys.stdout.isatty():  # Markdown as it is can be read, searched and saved
        sys.stdout.write(text)
        return 0
    from rich.console import Console
    from rich.markdown import Markdown

    out = Console(emoji=False)
    out.print(Markdown(text), width=min(out.width, 100))
    return 0


def page(check: Check) -> str:
    """A check's page as Markdown: its docstring, and every limit with its source."""
    parts = [
        f"# {check.name}",
        f"*{check.severity}* · {check.family} · {_TIERS[check.tier]}",
        inspect.cleandoc(type(check).__doc__ or ""),
    ]
    if check.limits:
        rows = [
            f"- **{name}**: {limit.value:g}{'' if limit.unit in ('', '1') else ' ' + limit.unit} "
            f"({limit.source})"
            for name, limit in check.limits.items()
        ]
        parts += ["## Limits", "\n".join(rows)]
    if check.explains:
        parts += ["## Explains", ", ".join(f"`{name}`" for name in check.explains)]
    parts += ["## Silence it", f"`assay check --ignore {check.name} ...`, or for a whole project, "
              f'in pyproject.toml under `[tool.assay]`: `ignore = ["{check.name}"]`']  # fmt: skip
    return "\n\n".join(parts) + "\n"
