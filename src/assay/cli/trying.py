"""What `try` and `fix` have in common: their options, and how a trial is run and told."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..configured import configured_checks
from ..launch.command import resolve
from ..launch.settings import read_settings
from ..report import Report
from ..trials.child import Command
from ..trials.experiment import Experiment
from ..trials.plan import Budget
from ..trials.settled import revise, table
from ..trials.store import Store
from ..trials.trial import Trial
from .complaint import complain
from .options import can_be_written
from .page import write_page_into
from .words import COMMAND, Parser, seconds, whole_number

if TYPE_CHECKING:
    from ..report.progress import Progress

MINUTES = 30.0
SEEDS = 3
MOST_SEEDS = 8
"""Of so many, all of which improve, chance makes one in 256: enough for two sets of candidates."""


def make_parser(verb: str, description: str) -> Parser:
    """Makes the parser of a verb that makes trials."""
    parser = Parser(
        prog=f"assay {verb}",
        usage=f"assay {verb} [OPTIONS] {COMMAND.splitlines()[0]}",
        description=f"{description}\n\n{COMMAND.splitlines()[-1]}",
    )
    add_run_options(
        parser,
        seeds=f"seeds of a verdict ({SEEDS}, up to {MOST_SEEDS} where that decides)",
        write="change your files as the checked diff of the proved remedy says",
        json="also write the verdicts as JSON; - is standard output",
    )
    parser.add_argument(
        "--placebo", action="store_true", help="also compare the script with itself"
    )
    return parser


def add_run_options(parser: Parser, *, seeds: str, write: str, json: str) -> None:
    """Adds the options of every verb that makes several runs; three have words of their own."""
    add = parser.add_argument
    add("--steps", type=whole_number, metavar="N", help="end each run after N optimizer steps")
    add("--seeds", type=whole_number, metavar="N", help=seeds)
    add("--minutes", type=minutes, metavar="M", default=MINUTES,
        help=f"time for all runs together ({MINUTES:g}); longer scripts are cut short")  # fmt: skip
    add("--jobs", type=whole_number, metavar="N", help="runs at the same time")
    add("--fresh", action="store_true", help="run again what an earlier trial has run")
    add("--write", action="store_true", help=write)
    add("--json", metavar="FILE", help=json)
    add("--python", metavar="PATH", help="interpreter for the script")


def minutes(text: str) -> float:
    """Reads a number of minutes above 0.

    Raises:
        ArgumentTypeError: It is none.
    """
    return seconds(text)


def usual_jobs(cores: int | None = None) -> int:
    """Returns how many runs go at once: one a core, at most 4; one alone where there is a GPU."""
    if any(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/kfd").exists():
        return 1
    return min(cores or len(os.sched_getaffinity(0)), 4)


def run_trial(
    given: argparse.Namespace,
    words: Sequence[str],
    work: Callable[[Experiment], Trial],
    base: Path | None = None,
    progress: Progress | None = None,
) -> Trial:
    """Makes a trial of a command.

    Args:
        given: The options.
        words: The command.
        work: What is done in the trial.
        base: The folder of all trials, if not the usual one.
        progress: Tells how it goes on, if not as usual.

    Raises:
        LaunchError: Nothing could be started, and why.
    """
    from ..report.progress import Progress

    if given.json is not None:
        can_be_written(given.json)
    what = resolve(words, given.python)
    jobs = given.jobs or usual_jobs()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else jobs
    # alone, a run has the machine as it has it without us
    threads = max(cores // jobs, 1) if jobs > 1 else None
    seeds, most = (given.seeds, 0) if given.seeds else (SEEDS, MOST_SEEDS)
    budget = Budget(given.steps, seeds, most, given.minutes, jobs, given.fresh)
    command = Command(tuple(words), given.python, threads, configured_checks())
    with progress or Progress() as told:
        experiment = Experiment(command, Store(base or trials_folder()), budget, what.label, told)
        return work(experiment)


def trials_folder() -> Path | None:
    """Returns the folder beside that of all runs, if one was chosen; None for the default."""
    chosen = read_settings().run_dir
    return None if chosen is None else chosen.parent / "trials"


def tell(trial: Trial, given: argparse.Namespace) -> int:
    """Prints a trial, writes its change and its JSON if that is asked for; the status so far."""
    from ..report.verdicts import show_trial

    refused = write_change(trial) if given.write else ""
    trial.page = write_page_into(trial.folder, report_of(trial), trial)
    show_trial(trial)
    if refused:
        complain(f"--write: {refused}")
    if given.json is not None:
        try:
            _write(trial, given.json)
        except OSError as error:
            complain(f"--json: can't write {given.json}: {error.strerror}")
            return 2
    if trial.interrupted == "interrupted":
        return 130
    return 1 if trial.trouble or refused else 0


def write_change(trial: Trial) -> str:
    """Changes the user's files as the trial's checked diff says; why not, if that can't be done."""
    from ..edits.write import WriteError, write

    change = trial.change
    if change is None:
        return "nothing was proved, so nothing is written"
    if change.state != "checked":
        return f"there is no checked diff, so nothing is written: {change.why}"
    best = trial.verdicts[0]
    if not best.recommended:
        found = dict.fromkeys([*best.reverse.brought, *best.still_there, *best.reverse.standing])
        others = ", ".join(found)
        return f"nothing is written: with {best.candidate.name} there is still {others}"
    try:
        trial.change = replace(change, written=tuple(write(change.files)))
    except WriteError as error:
        return str(error)
    return ""


def report_of(trial: Trial) -> Report:
    """Returns the report of the control's first run, as the experiment leaves its diagnosis."""
    from ..journal.reader import read_run
    from ..journal.view import RunView
    from ..report import make_report

    first = trial.control.get(0)
    view = trial.view or (read_run(Path(first.folder)) if first is not None else RunView())
    report = make_report(view, trial.checks, folder=Path(first.folder) if first else None)
    if trial.settled is None:
        return report
    return replace(report, diagnosis=revise(report.diagnosis, trial.settled))


def as_dict(trial: Trial) -> dict[str, Any]:
    """Returns the trial as a report of schema 1: of the control's first run, and the verdicts."""
    report = report_of(trial).as_dict()
    report["assay"] = __version__
    report["verdicts"] = [verdict.as_dict() for verdict in trial.verdicts]
    report["trial"] = {
        "id": trial.id,
        "steps": trial.steps,
        "interrupted": trial.interrupted or None,
        "trouble": trial.trouble or None,
        "cost": trial.cost(),
        "change": None if trial.change is None else trial.change.as_dict(),
        "settled": None if trial.settled is None else trial.settled.as_dict(),
        "table": [{"finding": row.finding, "remedies": dict(row.states)} for row in table(trial)],
    }
    return report


def _write(trial: Trial, target: str) -> None:
    text = json.dumps(as_dict(trial), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if target == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
    else:
        Path(target).write_text(text, encoding="utf-8")
