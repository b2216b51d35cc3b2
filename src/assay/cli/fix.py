"""`assay fix`: say what is wrong with a script, and try the remedies until one is proved."""

from __future__ import annotations

from collections.abc import Sequence

from ..checks.registry import CHECKS
from ..diagnosis import Diagnosis
from ..journal.view import RunView
from ..report import make_report
from ..trials.plan import PLACEBO, Candidate
from ..trials.remedies import exploration, remedies
from ..trials.trial import Trial
from .trying import make_parser, run_trial, tell
from .watching import complain


def main(words: Sequence[str]) -> int:
    """Runs the verb.

    Returns:
        0 if a remedy was proved or there is nothing to fix, 1 if not, 130 after Ctrl-C.

    Raises:
        LaunchError: Something can't be understood, or the script can't be started.
    """
    parser = make_parser("fix", "Say what is wrong with a script, and prove what cures it.")
    parser.add_argument(
        "--explore", action="store_true", help="try what may help where nothing is wrong, too"
    )
    ours, command = parser.split(words)
    given = parser.parse_args(ours)
    sick: list[bool] = []

    def propose(view: RunView, diagnosis: Diagnosis) -> Sequence[Sequence[Candidate]]:
        from ..report.terminal import show

        show(make_report(view, CHECKS))
        sick[:] = [any(finding.severity != "note" for finding in diagnosis.findings)]
        tiers: list[list[Candidate]] = remedies(view, diagnosis)
        if given.explore and not tiers:
            tiers = exploration(view)
        if given.placebo and tiers:
            tiers[0] = [*tiers[0], PLACEBO]
        return tiers

    trial = run_trial(given, command, lambda experiment: experiment.fix(propose))
    if trial.verdicts or trial.trouble or trial.interrupted:
        status = tell(trial, given)
        return status or int(sick == [True] and not _proved(trial))
    status = tell(trial, given) if given.json is not None else 0
    if sick == [True]:
        complain("no trick cures what was found: the report above says what to change")
        return status or 1
    complain("there is nothing to fix; --explore tries what may help all the same")
    return status


def _proved(trial: Trial) -> bool:
    return any(verdict.outcome == "proved" for verdict in trial.verdicts)
