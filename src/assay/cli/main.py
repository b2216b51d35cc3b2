"""`assay VERB ...`: finds the verb and turns every complaint into one line and a status."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from .. import __version__
from ..launch.errors import LaunchError
from .words import did_you_mean

VERBS = {
    "check": "run a training script and say what is wrong with it",
    "run": "run a training script and record it",
    "try": "compare tricks with the script as it is",
    "fix": "say what is wrong with a script, and prove what cures it",
    "lr": "find a learning rate: a range test of the script",
    "tune": "search for better settings of a script, and prove the best",
    "merge": "make one checkpoint of several: averages, TIES, soups, ...",
    "fisher": "measure how much each weight of a checkpoint matters to a script's data",
    "trials": "list what has been tried so far",
    "report": "show the report of an earlier run",
    "join": "make one run of the records of several machines",
    "diff": "say where two runs part, and what differs before that",
    "view": "show all runs in a browser, with curves while a script runs",
    "export": "write a run's numbers for TensorBoard, as CSV, Parquet or JSON",
    "checks": "list what assay looks for",
    "tricks": "list what can be tried, or draw a schedule",
    "numerics": "tell the range of fp32, fp16, ... and where exp and log leave it",
    "explain": "tell all about one check or trick",
    "learn": "answer a question about training by an experiment: why is my loss NaN?",
    "checklist": "list what to look at in a training, and which of it assay looks at by itself",
    "demo": "find and cure a planted fault in a small real training",
}


def main(words: Sequence[str] | None = None) -> NoReturn:
    """Starts the verb; never returns, ends as the user's script ended where one was run."""
    words = list(sys.argv[1:] if words is None else words)
    try:
        _dispatch(words)
    except LaunchError as error:
        _say(str(error))
        sys.exit(error.status)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # `assay checks | head`: nobody reads on
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _dispatch(words: list[str]) -> NoReturn:
    if not words:
        print(_help(), file=sys.stderr)  # noqa: T201
        sys.exit(2)
    verb, *rest = words
    if verb in ("-h", "--help", "help"):
        print(_help())  # noqa: T201
        sys.exit(0)
    if verb in ("-V", "--version"):
        print(f"assay {__version__}")  # noqa: T201
        sys.exit(0)
    if verb not in VERBS:
        raise LaunchError(_unknown(verb))
    # only the verb's own file is loaded: the start of a script should not wait for the rest
    module = "try_" if verb == "try" else verb  # a word of Python's own
    sys.exit(importlib.import_module(f"{__package__}.{module}").main(rest))


def _unknown(verb: str) -> str:
    if verb.startswith("-"):
        return f"unknown option {verb}; a verb comes first: {', '.join(VERBS)}"
    if verb.endswith(".py") or os.path.exists(verb):
        return f"a verb comes first; did you mean: assay check {verb}"
    return f"no verb {verb!r}{did_you_mean(verb, VERBS) or '; there are ' + ', '.join(VERBS)}"


def _help() -> str:
    verbs = "\n".join(f"  assay {verb:9} {what}" for verb, what in VERBS.items())
    return (
        "Why isn't my PyTorch model training, and what fixes it?\n\n"
        f"{verbs}\n\n"
        "Start with:  assay check train.py     or:  assay demo\n"
        "`assay VERB --help` tells the options of a verb."
    )


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        one_line = " ".join(text.split())
        print(f"assay: {one_line}", file=sys.stderr)  # noqa: T201
