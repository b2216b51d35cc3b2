"""One observed run, from the command to its record: what `check`, `run`, trials and tests share."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .journal.parts import has_ended, siblings
from .journal.reader import read_run
from .journal.texts import keep_texts
from .journal.view import RunView
from .launch import command, environment, folder, supervisor
from .launch.errors import LaunchError
from .launch.setup import digests

OTHERS_END_S = 10.0
"""How long a report waits for other machines of the same training to end."""

Supervise = Callable[
    [Sequence[str], Mapping[str, str], folder.RunFolder, float | None], supervisor.Outcome
]
"""Runs argv in an environment to its end, for some seconds at most: `launch.supervisor.run`."""


@dataclass(frozen=True, slots=True)
class Observed:
    """A run that has ended: its folder, how it ended, and what was recorded."""

    folder: Path
    outcome: supervisor.Outcome
    view: RunView

    @property
    def interrupted(self) -> bool:
        """Whether the user has ended it by Ctrl-C."""
        return self.outcome.signal == signal.SIGINT or self.outcome.exit_code == 130


def observe(
    words: Sequence[str],
    settings: Mapping[str, Any] | None = None,
    *,
    python: str | None = None,
    run_dir: str | Path | None = None,
    base: str | Path | None = None,
    when_ended: Callable[[], object] | None = None,
    beside: Callable[[Path], contextlib.AbstractContextManager[None]] | None = None,
    supervise: Supervise = supervisor.run,
) -> Observed:
    """Runs a command under assay and reads its record.

    Args:
        words: `script.py args...`, `-m module args...` or `-- any command ...`.
        settings: what the child is told: `steps`, `seconds`, `budget`.
        python: interpreter for the first two forms.
        run_dir: the run folder itself; a new one below `base` if not given.
        base: the folder of all runs; `.assay/runs` if not given.
        beside: makes of the run folder a context in which the command runs.
        when_ended: called once the command has ended, before its record is read.
        supervise: runs the command; tests have a faster way.

    Raises:
        LaunchError: nothing was started, and why.
    """
    settings = dict(settings or {})
    what = command.resolve(words, python)
    run = folder.create(what.label, base=base, explicit=run_dir)
    run.begin(what.argv, settings, what.python)
    env = environment.child_environment(run.path)
    with beside(run.path) if beside is not None else contextlib.nullcontext():
        outcome = supervise(what.argv, env, run, settings.get("seconds"))
    if when_ended is not None:
        when_ended()
    _wait_for_others(run.path)
    view = read_run(run.path)
    known = known_setup(view)
    with contextlib.suppress(LaunchError):
        run.add_setup(**known)
    with contextlib.suppress(OSError):
        keep_texts(run.path, known["digests"])
    # again from the source: a disk filled by the script keeps run.json as it was at the start
    view.facts.update(
        exit_code=outcome.exit_code, signal=outcome.signal, seconds=round(outcome.seconds, 3)
    )
    if outcome.overran:
        view.facts["overran"] = True
    return Observed(run.path, outcome, view)


def _wait_for_others(run: Path) -> None:
    """Gives other machines, whose records lie beside this one, a moment to end as well."""
    others, until = siblings(run), time.monotonic() + OTHERS_END_S
    while not all(map(has_ended, others)) and time.monotonic() < until:
        time.sleep(0.1)


def known_setup(view: RunView) -> dict[str, Any]:
    """Returns the part of a run's set-up that only the run could tell: versions, files, seeds."""
    return {
        "versions": view.facts.get("versions", {}),
        "sources": view.facts.get("sources", []),
        "digests": digests(view.facts.get("sources", []), _began(view)),
        "seeds": list({str(e.data): dict(e.data) for e in view.events("seed")}.values())[:20],
    }


def _began(view: RunView) -> float:
    """Returns when the run's first process loaded torch, in seconds since 1970; 0 if unknown."""
    processes = view.facts.get("processes") or [{}]
    return float(processes[0].get("time") or 0.0)
