"""`assay try`: compare tricks with the script as it is."""

from __future__ import annotations

from collections.abc import Sequence

from ..launch.errors import LaunchError
from ..trials.plan import PLACEBO, candidate_of, distinct, together
from ..tricks.base import TrickError
from .misplaced import right_order
from .trying import make_parser, run_trial, tell
from .words import tricks_asked


def main(words: Sequence[str]) -> int:
    """Runs the verb.

    Returns:
        0 if every trick was compared, 1 if there was nothing to compare, 2 if none of them fits the
        script, 130 after Ctrl-C.

    Raises:
        LaunchError: Something can't be understood, or the script can't be started.
    """
    parser = make_parser("try", "Compare tricks with the script as it is, on the same seeds.")
    parser.add_argument(
        "--with", action="append", default=[], metavar="TRICK", dest="tricks",
        help="NAME=VALUE,key=value; several joined by + are tried together; may be repeated",
    )  # fmt: skip
    parser.add_argument("--together", action="store_true", help="also all of them in one")
    ours, command = parser.split(words)
    given = parser.parse_args(ours)
    wanted = [candidate_of(tricks_asked([text])) for text in given.tricks]
    if not wanted and not given.placebo:
        meant = right_order(parser, command)
        if meant is None:
            raise LaunchError("nothing to try: name a trick, as in --with clip-norm=1.0")
        raise LaunchError(f"nothing to try: what stands behind the script is its own; say {meant}")
    if given.together and len(wanted) > 1:
        try:
            wanted.append(together(wanted))
        except TrickError as error:
            raise LaunchError(f"--together: {error}") from None
    if given.placebo:
        wanted.append(PLACEBO)
    wanted = distinct(wanted)
    trial = run_trial(given, command, lambda experiment: experiment.compare(wanted))
    status = tell(trial, given)
    refused = [r for v in trial.verdicts for r in trial.results.get(v.candidate.name, {}).values()]
    if not status and refused and all(result.state == "refused" for result in refused):
        return 2
    return status
