"""`assay tune`: hyper-parameter search on a script as it is, and a proof of what it finds."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..journal.reader import read_run
from ..launch.command import resolve
from ..launch.errors import LaunchError
from ..launch.folder import create
from ..trials.accounts import Accounts
from ..trials.plan import Budget
from ..trials.runner import Runner
from ..trials.trial import Trial
from ..tuning.helping import ENGINES
from ..tuning.importances import importances
from ..tuning.metric import COSTS, LOSS, NAMED
from ..tuning.pruners import PRUNERS
from ..tuning.samplers import SAMPLERS
from ..tuning.setting import check_files
from ..tuning.space import FORM, Dimension, read_space
from ..tuning.storage import address_with_driver
from ..tuning.suggested import suggested
from ..tuning.tuned import Tuned
from .choosing import check_choice, pruner, sampler, seed
from .complaint import complain
from .misplaced import reads_no_arguments, right_order
from .options import can_be_written
from .page import write_page_into
from .trying import (
    MOST_SEEDS,
    SEEDS,
    add_run_options,
    as_dict,
    report_of,
    run_trial,
    write_change,
)
from .words import COMMAND, Parser, whole_number
from .working import STUDIES, need_optuna, need_storage, studies_folder, work
from .written import write_json

RUNS = 30
PAGES_S = 30.0
"""For the pages of all points' runs, so that nobody waits for the hundredth."""


def main(words: Sequence[str]) -> int:
    """Runs the verb.

    Returns:
        0 if there is an answer, "no better" too; 1 if there was nothing to search; 130 after
        Ctrl-C.

    Raises:
        LaunchError: Something can't be understood or does not fit the script, or it can't start.
    """
    parser = _parser()
    ours, command = parser.split(words)
    given = parser.parse_args(ours)
    if given.worker is not None:
        return work(given, command)
    space = read_space(given.search)
    check_choice(given)
    what = resolve(command, given.python)
    meant = right_order(parser, command)
    if meant is not None and any(word.startswith("--search") for word in command):
        raise LaunchError(f"what stands behind the script is its own; say {meant}")
    for dimension in space:
        if dimension.kind == "arg" and reads_no_arguments(command):
            raise LaunchError(f"--search {dimension}: {command[0]} reads no arguments")
    check_files(space, command)
    if given.storage is not None:
        address_with_driver(given.storage)
    if given.json is not None:
        can_be_written(given.json)
    need_optuna()
    if given.workers > 1:
        given.jobs = given.workers
    folder, facts = _study(given, command, what.label)
    if facts is not None:
        need_storage(given.storage, facts, folder)
        space = _as_before(given, space, facts, folder)
    from ..tuning.facts import alone

    with alone(folder):
        tuned, trial = _tune(given, command, space, folder)
    return _tell(tuned, trial, given)


def _tune(
    given: argparse.Namespace, command: Sequence[str], space: tuple[Dimension, ...], folder: Path
) -> tuple[Tuned, Trial]:
    from ..report.progress import TuningProgress
    from ..tuning.search import Asked, Search

    progress = TuningProgress()
    asked = Asked(
        space, tuple(command), folder, given.sampler, given.seed, given.runs, given.pruner,
        tuple(given.metric), suggested, given.repeat, given.storage, given.workers,
        given.engine,
        progress.stand,
    )  # fmt: skip
    searches: list[Search] = []

    def search(accounts: Accounts, runner: Runner, budget: Budget) -> Search:
        searches.append(Search(accounts, runner, budget, asked))
        return searches[0]

    trial = run_trial(
        given, command, lambda experiment: experiment.follow(search), progress=progress
    )
    return searches[0].tuned, trial


def _parser() -> Parser:
    parser = Parser(
        prog="assay tune",
        usage=f"assay tune [OPTIONS] {COMMAND.splitlines()[0]}",
        description="Search for better settings of the script as it is, and prove the best on "
        f"fresh seeds.\n\n{COMMAND.splitlines()[-1]}",
    )
    add = parser.add_argument
    add("--search", action="append", default=[], metavar="NAME=VALUES",
        help=f"{FORM}; NAME is a trick, arg:--option, env:VARIABLE or file:PATH:KEY.KEY; may be "
        "repeated; without it, what the script's own record suggests")  # fmt: skip
    add("--sampler", type=sampler, metavar="NAME", default="tpe",
        help=f"how points are chosen: {', '.join(SAMPLERS)} (tpe)")  # fmt: skip
    add("--metric", action="append", default=[], metavar="METRIC",
        help=f"what is made small: {', '.join([LOSS, *NAMED, *COSTS])}, signal:NAME, or "
        "re:PATTERN, the last number that the script prints so; max: before it makes it large; "
        "several for a front; without it the loss that is known")  # fmt: skip
    add("--repeat", type=whole_number, metavar="N", default=1,
        help="seeds that each point is run with; their mean counts (1)")  # fmt: skip
    add("--runs", type=whole_number, metavar="N", default=RUNS, help=f"points to try ({RUNS})")
    add("--pruner", type=pruner, metavar="NAME", default="none",
        help=f"gives runs up on their way: {', '.join(PRUNERS)} (none)")  # fmt: skip
    add("--seed", type=seed, metavar="N", default=0, help="of the sampler (0)")
    add("--study", metavar="DIR", help="folder of the study; one that has begun is gone on with")
    add("--resume", action="store_true", help="go on with the latest study of this command")
    add("--workers", type=whole_number, metavar="N", default=1,
        help="processes that run points, each one at a time (1)")  # fmt: skip
    add("--engine", choices=ENGINES, default=ENGINES[0],
        help="where workers beside this process run: here, or on a Ray cluster (here)")  # fmt: skip
    add("--worker", metavar="STUDY", help="run points of this study, which another has begun; "
        "takes no command")  # fmt: skip
    add("--storage", metavar="URL",
        help="keep the study on a server, postgresql://USER@HOST/DATABASE, under the name of its "
        "folder")  # fmt: skip
    add_run_options(
        parser,
        seeds=f"fresh seeds of the proof ({SEEDS}, up to {MOST_SEEDS} if that decides)",
        write="change your files as the checked diff of proved tricks says",
        json="also write the outcome as JSON; - is standard output",
    )
    return parser


def _study(
    given: argparse.Namespace, command: Sequence[str], label: str
) -> tuple[Path, dict[str, Any] | None]:
    """Returns the folder of the study, and what was asked of it if it has begun already."""
    from ..tuning.facts import read_facts

    if given.study is not None:
        folder = Path(given.study).absolute()
        facts = read_facts(folder)
        if facts is None:
            if given.resume:
                raise LaunchError(f"--resume: there is no study in {given.study}")
            folder = create(explicit=folder).path
        elif facts.get("command") != list(command):
            was = " ".join(map(str, facts.get("command") or ()))
            raise LaunchError(f"--study: the study in {given.study} is of another command: {was}")
        return folder, facts
    if not given.resume:
        folder = create(label, base=studies_folder()).path
        ignore = STUDIES.parent / ".gitignore"
        if studies_folder() == STUDIES.absolute() and not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
        return folder, None
    for path in sorted(studies_folder().glob("*/study.json"), reverse=True):
        facts = read_facts(path.parent)
        if facts is not None and facts.get("command") == list(command):
            return path.parent.absolute(), facts
    raise LaunchError("--resume: there is no study of this command yet: leave --resume out")


def _as_before(
    given: argparse.Namespace, space: tuple[Dimension, ...], facts: dict[str, Any], folder: Path
) -> tuple[Dimension, ...]:
    """Returns the space of a study that is gone on with; another one is refused."""
    before = [str(text) for text in facts.get("search") or ()]
    if space and [str(dimension) for dimension in space] != before:
        said = " ".join(f"--search {text}" for text in before)
        raise LaunchError(f"the study in {folder} searches something else: {said}")
    for name in ("sampler", "seed", "pruner"):
        if getattr(given, name) not in (facts.get(name), 0, "tpe", "none"):
            raise LaunchError(f"the study in {folder} was begun with --{name} {facts.get(name)}")
        setattr(given, name, facts.get(name))
    known = [str(text) for text in facts.get("metric") or ()]
    if given.metric and given.metric != known:
        said = " ".join(f"--metric {text}" for text in known) or "no --metric"
        raise LaunchError(f"the study in {folder} was begun with {said}")
    given.metric = known
    if given.repeat not in (1, facts.get("repeat")):
        raise LaunchError(f"the study in {folder} was begun with --repeat {facts.get('repeat')}")
    given.repeat = facts.get("repeat", 1)
    given.steps = given.steps or facts.get("steps")
    return read_space(before)


def _write_pages(tuned: Tuned, trial: Trial) -> None:
    """Writes a page for the run of each point, the best first, as far as there is time."""
    from ..report import make_report
    from ..report.page import NAME

    until = time.monotonic() + PAGES_S
    for tried in [*tuned.done, *tuned.pruned]:
        folder = Path(tried.folder)
        if not tried.folder or (folder / NAME).exists() or not folder.is_dir():
            continue
        if time.monotonic() > until:
            return
        view = read_run(folder)
        if view.observed:
            write_page_into(folder, make_report(view, trial.checks, folder=folder))


def _tell(tuned: Tuned, trial: Trial, given: argparse.Namespace) -> int:
    from ..report.tuning import show_tuned
    from ..tuning.table import write_points

    refused = write_change(trial) if given.write else ""
    tuned.importances = importances(tuned.space, tuned.tried)
    _write_pages(tuned, trial)
    trial.page = write_page_into(trial.folder, report_of(trial), trial, tuned)
    table = write_points(tuned)
    show_tuned(tuned, trial, table)
    if refused:
        complain(f"--write: {refused}")
    if given.json is not None:
        verdict = trial.verdicts[0] if trial.verdicts else None
        report = {**as_dict(trial), "tuning": tuned.as_dict(verdict)}
        if not write_json(report, given.json):
            return 2
    if trial.interrupted == "interrupted":
        return 130
    return 1 if trial.trouble or refused else 0
