"""`assay tricks`: what can be tried, family by family; a schedule drawn in the terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from ..launch.errors import LaunchError
from ..tricks.base import Trick, TrickError
from ..tricks.catalogue import TRICKS, by_name
from ..tricks.rate.curves import CURVES, PLATEAU
from ..tricks.rate.schedule import Schedule
from ..tricks.rate.warmup import Warmup
from ..tricks.reading import read
from .curve import draw
from .words import Parser

SKETCH: dict[str, dict[str, Any]] = {
    "step": {"every": 25, "gamma": 0.5},
    "multi-step": {"milestones": "50+75", "gamma": 0.3},
    "exponential": {"gamma": 0.97},
    "inverse-time": {"slope": 0.1},
    "cosine-restarts": {"period": 15, "growth": 2},
    "cyclic": {"period": 40},
    "inverse-sqrt": {"timescale": 10},
}
"""Settings with which a curve shows its shape within 100 steps."""


def main(words: Sequence[str]) -> int:
    """Runs the verb.

    Raises:
        LaunchError: There is no such trick, or it can't be drawn.
    """
    parser = Parser(
        prog="assay tricks",
        description="List what can be tried; with --plot, draw a schedule.\n\n"
        "  assay tricks schedule                               options of a trick\n"
        "  assay tricks schedule --plot                        all curves\n"
        "  assay tricks schedule=cosine,total=1000 warmup=100 --plot",
    )
    parser.add_argument(
        "tricks", metavar="TRICK", nargs="*", help="a name, or NAME=VALUE,key=value"
    )
    parser.add_argument("--plot", action="store_true", help="draw the rate over the steps")
    given = parser.read(words)
    try:
        if given.plot:
            return plot(given.tricks)
        return options_of(given.tricks) if given.tricks else listing()
    except TrickError as error:
        raise LaunchError(str(error)) from None


def listing() -> int:
    """Lists all tricks, each with its first sentence."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    out = Console(highlight=False, emoji=False)
    if not out.is_terminal:  # one trick a line, for grep
        for trick in TRICKS:
            sys.stdout.write(f"{trick.name}\t{trick.family}\t{purpose(trick)}\n")
        return 0
    table = Table.grid(padding=(0, 2))
    for family in sorted({trick.family for trick in TRICKS}):
        table.add_row(Text(family, "bold"))
        for trick in TRICKS:
            if trick.family == family:
                table.add_row(Text(f"  {trick.name}"), Text(purpose(trick), "dim"))
    out.print(table)
    out.print(Text("\nassay explain NAME tells all about one of them.", "dim"))
    return 0


def options_of(asked: Sequence[str]) -> int:
    """Lists what one trick takes, option by option."""
    for text in asked:
        trick = by_name(text.partition("=")[0].partition(",")[0])
        sys.stdout.write(f"{trick.name}: {purpose(trick)}\n")
        for line in taken(trick):
            sys.stdout.write(f"  {line}\n")
        if trick is Schedule:
            for kind, curve in {**CURVES, "plateau": PLATEAU}.items():
                needs = "".join(f",{key}=" for key in curve.needs)
                rest = "".join(f" [{key}={value}]" for key, value in curve.otherwise.items())
                sys.stdout.write(f"  schedule={kind}{needs}{rest}\n")
    return 0


def taken(trick: type[Trick]) -> list[str]:
    """Returns one line for each option of a trick."""
    lines = []
    for option in trick.takes():
        name = trick.name if option.main else f"{trick.name}=...,{option.name}"
        default = "" if option.default is None else f"; {option.default} if not given"
        lines.append(f"{name}=  {option.help or 'see its page'} ({option.expected()}{default})")
    return lines or ["takes no options"]


def purpose(trick: type[Trick]) -> str:
    """Returns the first sentence of a trick's page."""
    return (trick.__doc__ or "").strip().partition("\n\n")[0].replace("\n", " ").strip()


def plot(asked: Sequence[str]) -> int:
    """Draws one schedule as it was asked for, or all of them."""
    if list(asked) in ([], ["schedule"]):
        for kind in CURVES:
            values = SKETCH.get(kind, {"total": 100})
            settings = ",".join(f"{key}={value}" for key, value in values.items())
            _draw([Schedule(kind, **values)], f"schedule={kind},{settings}", 100, height=5)
        return 0
    tricks = [read(text) for text in asked]
    if not all(isinstance(trick, (Schedule, Warmup)) for trick in tricks):
        raise LaunchError("--plot draws schedule and warmup, each at most once")
    if len({trick.name for trick in tricks}) < len(tricks):
        raise LaunchError("--plot draws schedule and warmup, each at most once")
    if any(isinstance(trick, Schedule) and trick.curve == "plateau" for trick in tricks):
        raise LaunchError("schedule=plateau depends on the loss: there is no curve to draw")
    steps = 0
    for trick in tricks:
        if isinstance(trick, Schedule):
            if "total" in trick.form.needs and "total" not in trick.settings:
                raise LaunchError(f"{trick} needs total=N, the steps of the whole run")
            steps = max(steps, _length(trick))
        elif isinstance(trick, Warmup):
            steps = max(steps, 2 * trick.steps)
    _draw(tricks, " ".join(asked), steps)
    return 0


def _length(schedule: Schedule) -> int:
    """Returns the steps within which a curve without a total shows its shape."""
    settings = schedule.settings
    if "total" in settings:
        return int(settings["total"])
    if "milestones" in settings:
        return int(settings["milestones"][-1] * 5 // 4 + 1)
    if "every" in settings:
        return int(settings["every"] * 5)
    return int(settings["period"] * 4) if "period" in settings else 1000


def _draw(tricks: Sequence[Trick], title: str, steps: int, height: int = 12) -> None:
    warmup = max((t.steps for t in tricks if isinstance(t, Warmup)), default=0)
    factors = []
    for step in range(steps):
        factor = min(1.0, (step + 1) / warmup) if warmup else 1.0
        for trick in tricks:
            if isinstance(trick, Schedule):
                factor *= trick.factor(step, warmup)
        factors.append(factor)
    plain = "utf" not in (sys.stdout.encoding or "").lower()
    sys.stdout.write("\n".join(draw(factors, title, height=height, plain=plain)) + "\n")
