"""`assay explain NAME`: the page of one check or trick, written from its own docstring."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence

from ..checks.base import Check
from ..configured import configured_checks
from ..diagnosis.words import drawn, leads_to, not_judged_if, symptom_of
from ..handbook.catalogue import about
from ..handbook.catalogue import page as learnt
from ..launch.errors import LaunchError
from ..report.sentence import sentence
from ..tricks.base import Trick
from ..tricks.catalogue import TRICKS
from .tricks import taken
from .words import Parser, did_you_mean

_TIERS = {
    "exact": "exact: no correct training step does this",
    "probe": "a controlled measurement in the run",
    "heuristic": "a limit on a curve, calibrated on healthy runs",
}


_LISTS = "`assay checks` and `assay tricks` list them"


def main(words: Sequence[str]) -> int:
    """Runs the verb.

    Raises:
        LaunchError: There is no such check or trick.
    """
    parser = Parser(prog="assay explain", description="Tell all about a check or trick.")
    parser.add_argument(
        "name", metavar="NAME", nargs="?", help="`assay checks` and `assay tricks` list them"
    )
    name = parser.read(words).name
    if name is None:
        raise LaunchError(f"name a check or trick to explain; {_LISTS}")
    checks = configured_checks()
    check = next((check for check in checks if check.name == name), None)
    trick = next((trick for trick in TRICKS if trick.name == name), None)
    if check is not None:
        text = page(check, checks)
    elif trick is not None:
        text = trick_page(trick)
    else:
        known = [c.name for c in checks] + [t.name for t in TRICKS]
        hint = did_you_mean(name, known) or f"; {_LISTS}"
        raise LaunchError(f"no check or trick is called {name!r}{hint}")
    if lines := _learn(name):
        text += "\n" + "\n".join(["## See it happen", "", *lines]) + "\n"
    if not sys.stdout.isatty():  # Markdown as it is can be read, searched and saved
        sys.stdout.write(text)
        return 0
    from rich.console import Console
    from rich.markdown import Markdown

    out = Console(emoji=False)
    out.print(Markdown(text), width=min(out.width, 100))
    return 0


def _learn(name: str) -> list[str]:
    """Returns the experiments of the handbook that are about a check or a trick."""
    return [f"- `assay learn {each}`: {learnt(each).question[0]}" for each in about(name)]


def page(check: Check, checks: Sequence[Check]) -> str:
    """Returns a check's page as Markdown: its docstring, and every limit with its source."""
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
    parts += causation(check, checks)
    parts += ["## Silence it", f"`assay check --ignore {check.name} ...`, or for a whole project, "
              f'in pyproject.toml under `[tool.assay]`: `ignore = ["{check.name}"]`']  # fmt: skip
    return "\n\n".join(parts) + "\n"


def causation(check: Check, checks: Sequence[Check]) -> list[str]:
    """Returns the sections that say what a check leads to and what it may be a symptom of."""
    parts = []
    if check.by_hand:
        parts += ["## Why no trick mends it", sentence(check.by_hand)]
    if check.requires:
        parts += ["## A training is not judged if", "\n".join(not_judged_if(check))]
    if check.is_effect:
        parts += ["## May be a symptom of", "\n".join(symptom_of(check, checks))]
    if check.leads_to:
        parts += ["## Leads to", "\n".join(leads_to(check, checks))]
    if lines := drawn(check, checks):
        parts += ["## Drawn", "\n".join(["```text", *lines, "```"])]
    return parts


def trick_page(trick: type[Trick]) -> str:
    """Returns a trick's page as Markdown: its docstring, what it takes, and how to use it."""
    parts = [f"# {trick.name}", f"*trick* · {trick.family}", inspect.cleandoc(trick.__doc__ or "")]
    parts += ["## Options", "\n".join(f"- {line}" for line in taken(trick))]
    if trick.conflicts:
        others = ", ".join(f"`{name}`" for name in trick.conflicts)
        parts.append(f"Not together with {others}.")
    parts += ["## Use it", f"`assay run --with {trick.name}... train.py` trains with it, "
              f"`assay try --with {trick.name}... train.py` compares it with the script as it is; "
              f"from Python: `tricks.{trick.__name__}(...).attach(model, optimizer)`."]  # fmt: skip
    return "\n\n".join(parts) + "\n"
