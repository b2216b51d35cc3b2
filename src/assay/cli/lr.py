"""`assay lr`: a learning-rate range test of an unmodified script."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

from ..launch.command import resolve
from ..launch.errors import LaunchError
from ..launch.settings import read_settings
from ..trials.child import Command
from ..trials.plan import Candidate, candidate_of
from ..trials.sweeping import STEPS_AT_LEAST, Asked, range_test
from .complaint import complain
from .options import can_be_written
from .trying import minutes
from .words import COMMAND, Parser, tricks_asked, whole_number
from .written import write_json

MINUTES = 10.0


def main(words: Sequence[str]) -> int:
    """Runs the verb.

    Returns:
        0 if a rate is suggested, 1 if the curve suggests none, 130 after Ctrl-C.

    Raises:
        LaunchError: Something can't be understood or does not fit the script, or it can't start.
    """
    parser = _parser()
    ours, command = parser.split(words)
    given = parser.parse_args(ours)
    asked = _asked(given)
    if given.json is not None:
        can_be_written(given.json)
    what = resolve(command, given.python)
    from ..report.range_test import show_range_test, waiting

    try:
        with waiting() as working:
            test = range_test(
                Command(tuple(command), given.python), asked, what.label, _base(), working
            )
    except KeyboardInterrupt:
        complain("interrupted: the script was ended, and nothing is known")
        return 130
    if test.unfit:
        raise LaunchError(test.trouble)
    if test.curve is None:
        complain(f"{test.trouble}; what the script printed is in {test.folder}")
    else:
        show_range_test(test)
    if given.json is not None and not write_json(test.as_dict(), given.json):
        return 2
    return int(math.isnan(test.suggestion))


def _parser() -> Parser:
    parser = Parser(
        prog="assay lr",
        usage=f"assay lr [OPTIONS] {COMMAND.splitlines()[0]}",
        description="Find a learning rate: run the first steps of the script with rates that grow "
        f"from step to step, and say which is best.\n\n{COMMAND.splitlines()[-1]}",
    )
    add = parser.add_argument
    add("--from", type=_rate, metavar="RATE", dest="low", help="the first rate")
    add("--to", type=_rate, metavar="RATE", dest="high", help="the last rate")
    add("--steps", type=whole_number, metavar="N", help="how many rates (200)")
    add("--minutes", type=minutes, metavar="M", default=MINUTES,
        help=f"stop the script after M minutes ({MINUTES:g}) and use what there is")  # fmt: skip
    add("--with", action="append", default=[], metavar="TRICK", dest="tricks",
        help="sweep the script with this trick; may be repeated")  # fmt: skip
    add("--json", metavar="FILE", help="also write the result as JSON; - is standard output")
    add("--python", metavar="PATH", help="interpreter for the script")
    return parser


def _asked(given: argparse.Namespace) -> Asked:
    if given.low is not None and given.high is not None and given.low >= given.high:
        raise LaunchError(f"--from {given.low:g} must be below --to {given.high:g}")
    if given.steps is not None and given.steps < STEPS_AT_LEAST:
        raise LaunchError(f"--steps must be at least {STEPS_AT_LEAST}, received {given.steps}")
    return Asked(given.low, given.high, given.steps, 60 * given.minutes, _tricks(given.tricks))


def _tricks(texts: Sequence[str]) -> Candidate:
    tricks = tricks_asked(texts)
    for trick in tricks:
        if trick.family == "rate":
            raise LaunchError(f"--with {trick.name}: the sweep sets the rate itself")
    return candidate_of(tricks)


def _rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number above 0, received {text!r}")
    return value


def _base() -> Path | None:
    """Returns the folder beside that of all runs, if one has been chosen; None for the default."""
    chosen = read_settings().run_dir
    return None if chosen is None else chosen.parent / "sweeps"
