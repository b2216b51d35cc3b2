"""`assay fix`: say what is wrong with a script, and try the remedies until one is proved."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ..configured import configured_checks
from ..diagnosis import Diagnosis
from ..diagnosis.ladder import Ladder
from ..journal.view import RunView
from ..report import make_report
from ..trials.plan import PLACEBO, Candidate
from ..trials.remedies import exploration, remedies
from ..trials.trial import Trial
from .complaint import complain
from .deepening import deepen
from .trying import make_parser, report_of, run_trial, tell
from .words import Parser


def main(words: Sequence[str]) -> int:
    """Runs the verb.

    Returns:
        0 if a remedy was proved or there is nothing to fix, 1 if not, 130 after Ctrl-C.

    Raises:
        LaunchError: Something can't be understood, or the script can't be started.
    """
    parser = fix_parser()
    ours, command = parser.split(words)
    given = parser.parse_args(ours)
    trial, sick = find_cure(given, command)
    if trial.verdicts or trial.trouble or trial.interrupted:
        status = tell(trial, given)
        return status or int(sick and not _proved(trial))
    ladder = None if sick else _climbed(given, command, trial)
    status = tell(trial, given) if given.json is not None else 0
    if ladder is not None:
        from ..report.ladder import print_ladder

        print_ladder(ladder)
        return status or int(ladder.broken is not None)
    if sick:
        complain("no trick cures what was found: the report above says what to change")
        return status or 1
    complain("there is nothing to fix; --explore tries what may help all the same")
    return status


def fix_parser() -> Parser:
    """Makes the parser of this verb."""
    parser = make_parser("fix", "Say what is wrong with a script, and prove what cures it.")
    parser.add_argument(
        "--explore", action="store_true", help="try what may help where nothing is wrong, too"
    )
    return parser


def find_cure(
    given: argparse.Namespace, command: Sequence[str], base: Path | None = None
) -> tuple[Trial, bool]:
    """Runs the script, prints what is wrong with it, and tries the remedies.

    Args:
        given: The options of this verb.
        command: The script and its arguments.
        base: The folder of all trials, if not the usual one.

    Returns:
        The trial, and whether anything but a note was found.

    Raises:
        LaunchError: The script can't be started.
    """
    sick: list[bool] = []

    def propose(view: RunView, diagnosis: Diagnosis) -> Sequence[Sequence[Candidate]]:
        from ..report.terminal import show

        show(make_report(view, configured_checks()))
        sick[:] = [any(finding.severity != "note" for finding in diagnosis.findings)]
        tiers: list[list[Candidate]] = remedies(view, diagnosis)
        if given.explore and not tiers:
            tiers = exploration(view)
        if given.placebo and tiers:
            tiers[0] = [*tiers[0], PLACEBO]
        return tiers

    trial = run_trial(given, command, lambda experiment: experiment.fix(propose), base)
    return trial, sick == [True]


def _climbed(given: argparse.Namespace, command: Sequence[str], trial: Trial) -> Ladder | None:
    """Climbs the ladder where no check found anything and the loss did not move all the same."""
    report = report_of(trial)
    if report.folder is None or not report.unmoved:
        return None
    deepen(report.view, command, report.folder, python=given.python, steps=trial.steps)
    return report_of(trial).ladder


def _proved(trial: Trial) -> bool:
    return any(verdict.outcome == "proved" for verdict in trial.verdicts)
