"""The options that `check` and `run` share, merged with `[tool.assay]`: the command line wins."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..checks.base import Check
from ..configured import configured_checks
from ..launch.errors import LaunchError
from ..launch.settings import Settings, read_settings
from ..tricks.base import Trick
from .misplaced import right_order
from .words import COMMAND, Parser, check_names, level, seconds, whole_number


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for.

    Attributes:
        words: The command to run.
        steps, seconds: When the script is to be stopped; None: when it ends.
        json: Where the report is written as JSON; `-` is standard output.
        sarif: The same as SARIF.
        fail_on: Findings this grave give exit status 1.
        ignore, only: Names of checks.
        quiet: Print findings only.
        verbose: Print each check as well: that it judged, or why it could not.
        base: The folder of all runs; None for the default.
        python: The interpreter; None for the default.
        budget: How closely a run is looked at, above 0, at most 1; None for the default, 0.01.
        tricks: To train with, in the order in which they act.
        checks: All checks there are, one's own among them.
        meant: The command line as it was perhaps meant, if an option of ours went to the script.
        deep: Whether extra runs are to look closer.
        twice: Whether a second run is to be compared with the first.
    """

    words: tuple[str, ...]
    steps: int | None = None
    seconds: float | None = None
    json: str | None = None
    sarif: str | None = None
    fail_on: str | None = None
    ignore: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    quiet: bool = False
    verbose: bool = False
    base: Path | None = None
    python: str | None = None
    budget: float | None = None
    tricks: tuple[Trick, ...] = ()
    checks: tuple[Check, ...] = ()
    meant: str | None = None
    deep: bool = False
    twice: bool = False

    def child_settings(self) -> dict[str, Any]:
        """Returns what the child needs to know."""
        given = {"steps": self.steps, "seconds": self.seconds, "budget": self.budget}
        settings: dict[str, Any] = {k: value for k, value in given.items() if value is not None}
        if self.tricks:
            settings["tricks"] = [str(trick) for trick in self.tricks]
        return settings


def make_parser(verb: str, description: str) -> Parser:
    """Makes the parser of a verb that runs a script; a verb may add options of its own."""
    parser = Parser(
        prog=f"assay {verb}",
        usage=f"assay {verb} [OPTIONS] {COMMAND.splitlines()[0]}",
        description=f"{description}\n\n{COMMAND.splitlines()[-1]}",
    )
    add = parser.add_argument
    add("--steps", type=whole_number, metavar="N", help="stop after N optimizer steps")
    add("--seconds", type=seconds, metavar="S", help="stop after S seconds of training, at a step")
    add("--json", metavar="FILE", help="also write the report as JSON; - is standard output")
    add("--sarif", metavar="FILE", help="also write the findings as SARIF, for code hosts")
    add("--fail-on", type=level, metavar="LEVEL",
        help="exit with status 1 on findings: error, or warning (errors too)")  # fmt: skip
    add("--ignore", action="append", default=[], metavar="CHECK", help="leave a check out")
    add("--only", action="append", default=[], metavar="CHECK", help="run this check only")
    add("--quiet", action="store_true", help="print findings only")
    add("--verbose", action="store_true", help="list each check: that it judged, or why not")
    add("--run-dir", metavar="DIR", help="keep records of runs there, not in .assay/runs")
    add("--python", metavar="PATH", help="interpreter for the script")
    return parser


def read_options(parser: Parser, words: Sequence[str]) -> Options:
    """Reads our options and the user's lasting settings.

    Raises:
        LaunchError: Something can't be understood, or the report could not be written later.
    """
    ours, command = parser.split(words)
    given = parser.parse_args(ours)
    lasting = read_settings()
    checks = configured_checks(lasting)
    names = [check.name for check in checks]
    ignore = check_names(given.ignore, "--ignore", names)
    only = check_names(given.only, "--only", names)
    kept_ignore, kept_only = lasting_names(lasting, names)
    for option, target in (("--json", given.json), ("--sarif", given.sarif)):
        if target is not None:
            can_be_written(target, option)
    if given.json == given.sarif == "-":
        raise LaunchError("--json and --sarif can't both go to standard output")
    return Options(
        words=tuple(command),
        steps=given.steps if given.steps is not None else lasting.steps,
        seconds=given.seconds if given.seconds is not None else lasting.seconds,
        json=given.json,
        sarif=given.sarif,
        fail_on=given.fail_on or lasting.fail_on,
        # a check named on the command line is wanted, whatever the file says
        ignore=ignore + tuple(n for n in kept_ignore if n not in only and n not in ignore),
        only=only or kept_only,
        quiet=given.quiet or lasting.quiet,
        verbose=given.verbose,
        base=Path(given.run_dir) if given.run_dir else lasting.run_dir,
        python=given.python,
        budget=lasting.budget,
        checks=checks,
        meant=right_order(parser, command),
        deep=getattr(given, "deep", False),
        twice=getattr(given, "twice", False),
    )


def lasting_names(lasting: Settings, names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Returns `ignore` and `only` of the settings file.

    Raises:
        LaunchError: They name a check that does not exist.
    """
    said = f"{lasting.source}: [tool.assay]"
    return (
        check_names(lasting.ignore, f"{said} ignore", names),
        check_names(lasting.only, f"{said} only", names),
    )


def can_be_written(target: str, option: str = "--json") -> None:
    """Refuses a target that can't be written, before a long run and not after it."""
    if target == "-":
        return
    if not target:
        raise LaunchError(f"{option} needs the name of a file, or -")
    path = Path(target)
    if path.is_dir():
        raise LaunchError(f"{option}: {target} is a directory")
    if not path.parent.is_dir():
        raise LaunchError(f"{option}: no directory {path.parent}")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise LaunchError(f"{option}: {target} can't be written")
