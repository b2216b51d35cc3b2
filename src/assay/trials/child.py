"""One run of a trial as a process of its own: started, watched from outside, ended, and read."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..checks.base import Check
from ..checks.registry import CHECKS
from ..diagnosis import diagnose
from ..journal.reader import read_run
from ..journal.view import RunView
from ..launch import command, environment, folder, overlay, ports
from ..launch.deadline import GRACE_S, Deadline
from ..launch.errors import LaunchError
from ..launch.leftovers import kill_leftovers
from ..launch.processes import start_tied
from ..observe import known_setup
from .metric import constant_of, measure
from .plan import Job
from .result import Result, State, content_hash

REFUSED = "assay: trick "
"""How a child says that a trick does not fit the script; its journal may not be open yet."""

TAKEN = "EADDRINUSE"
"""How torch says that somebody else listens on the port of a process group."""


class Process(Protocol):
    """The part of `subprocess.Popen` that is needed of a run in progress."""

    @property
    def pid(self) -> int:
        """Number of the process, and of its group."""

    def poll(self) -> int | None:
        """Returns the exit code, negative for a signal; None while it runs."""

    def wait(self) -> int:
        """Waits for the end."""


@dataclass(frozen=True, slots=True)
class Command:
    """The user's command, and how its runs are started.

    Attributes:
        words: `script.py args...`, `-m module args...` or `-- any command ...`.
        python: Interpreter for the first two forms.
        threads: Processor cores for each run; None to leave it to torch.
        checks: What each run is reviewed with.
        spawn: Starts a process, called as `subprocess.Popen` is, and
            has it end with us; tests have a faster way.
    """

    words: tuple[str, ...]
    python: str | None = None
    threads: int | None = None
    checks: tuple[Check, ...] = CHECKS
    spawn: Callable[..., Process] = start_tied

    def argv(self) -> list[str]:
        """Returns the child's argument vector.

        Raises:
            LaunchError: Nothing that can be started was named.
        """
        return command.resolve(self.words, self.python).argv


class Child:
    """A run in progress.

    It leads a process group of its own, so that Ctrl-C reaches us alone and all that it started can
    be ended with it.
    """

    def __init__(
        self,
        what: Command,
        job: Job,
        path: Path,
        length: int | None = None,
        told: Mapping[str, object] | None = None,
        patched: Mapping[Path, bytes] | None = None,
    ) -> None:
        """Starts it.

        Args:
            what: The command.
            job: Which run of it.
            path: Its run folder, new or empty.
            length: How many steps the control took.
            told: Further settings for the child.
            patched: Files that it is to see with another content.

        Raises:
            LaunchError: It can't be started.
        """
        self.job, self.path, self._seconds = job, path, job.seconds
        self._checks = what.checks
        given = job.candidate.given
        resolved = command.resolve(given.words or what.words, what.python)
        argv, own_port = resolved.argv, dict[str, str]()
        if resolved.python is None:  # a launcher, perhaps
            port = ports.free_port()
            argv, own_port = ports.with_port(argv, port), ports.variables(port)
        run = self._run = folder.create(explicit=path)
        settings: dict[str, object] = {"tricks": list(job.candidate.words)}
        settings["seed_offset"] = job.seed
        settings["comparable"] = True
        batches = job.candidate.batches_per_step
        if job.seconds is not None:
            settings["seconds"] = job.seconds
        for name, steps in (("steps", job.steps), ("length", length)):
            if steps is not None:  # of the control: as many batches, not as many steps
                settings[name] = math.ceil(steps / batches)
        run.begin(argv, {**settings, **(told or {})}, what.python)
        if patched:
            argv = overlay.lay(path, argv, patched)
        env = {**environment.child_environment(path), **own_port}
        env.update(given.variables)
        env.setdefault("PYTHONHASHSEED", "0")  # sets of words are walked alike in every run
        env.setdefault("PYTHONUNBUFFERED", "1")  # what a killed run said last is told
        if what.threads is not None:
            env.setdefault("OMP_NUM_THREADS", str(what.threads))
        self.started, self.wall = time.monotonic(), time.time()
        self._deadline = Deadline(path, job.seconds)
        self._why, self._asked_at = "", 0.0
        try:
            with (path / "output.txt").open("wb") as output:
                self._process = what.spawn(
                    argv,
                    env=env,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            raise LaunchError(f"can't start {argv[0]}: {error.strerror}") from None

    def end(self, why: str) -> None:
        """Has it end before its time; `read` tells the reason."""
        if not self._why:
            self._why, self._asked_at = why, time.monotonic()
            self._send(signal.SIGTERM)

    @property
    def pid(self) -> int:
        """Number of its process, and of its group."""
        return self._process.pid

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self.started

    def ended(self) -> bool:
        """Whether it is over; ends it from outside if it is long past its time."""
        if self._process.poll() is not None:
            return True
        if self._why and time.monotonic() - self._asked_at > GRACE_S:
            self._send(signal.SIGKILL)
        if (number := self._deadline.due()) is not None:
            self._send(number)
        return False

    def kill(self) -> None:
        """Ends it and all that it started, now."""
        self._send(signal.SIGKILL)
        kill_leftovers(self.path)
        self._process.wait()

    def _send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def read(self) -> tuple[Result, RunView]:
        """Returns the run's result and record, once it is over."""
        code, took = self._process.wait(), self.seconds
        self._send(signal.SIGKILL)  # loader workers that it has left behind
        kill_leftovers(self.path)  # and ranks
        exit_code, by = (code, None) if code >= 0 else (None, -code)
        with contextlib.suppress(LaunchError):
            self._run.end(exit_code=exit_code, signal=by, seconds=took)
        view = read_run(self.path)
        with contextlib.suppress(LaunchError):
            self._run.add_setup(**known_setup(view))
        state, why = self._state(view, exit_code, by)
        measured = measure(view).per_batch(self.job.candidate.batches_per_step)
        diagnosis = diagnose(view, self._checks if view.observed else ())
        effects = {check.name for check in self._checks if check.is_effect}
        return Result(
            state=state,
            steps=view.steps,
            seconds=round(took, 3),
            measured=measured.worst() if state == "failed" else measured,
            findings=tuple(dict.fromkeys((f.check, f.severity) for f in diagnosis.findings)),
            broken=tuple(
                dict.fromkeys(
                    f.check
                    for f in diagnosis.findings
                    if f.tier == "exact" and f.severity != "note" and not f.preview
                    if f.check not in effects
                )
            ),
            silent=diagnosis.silent if view.observed else None,
            constant=constant_of(view),
            why=why,
            folder=str(self.path),
            sources={path: content_hash(path) for path in view.facts.get("sources", ())},
        ), view

    def sources_changed(self, result: Result) -> bool:
        """Whether the user has saved one of the files since this run began."""
        for path in result.sources:
            with contextlib.suppress(OSError):
                if Path(path).stat().st_mtime >= self.wall:
                    return True
        return False

    def _state(self, view: RunView, code: int | None, by: int | None) -> tuple[State, str]:
        if self._why:
            return "ended", self._why
        stopped = str(view.facts.get("stopped") or "")
        if self._deadline.passed or "--seconds" in stopped:
            return "slow", f"stopped after {view.steps} steps: its {self._seconds:.0f} s were over"
        if by is not None:
            return "killed", f"killed by {_signal_name(by)}, last heard of at step {view.steps}"
        said = self._said() if code else []
        refusals = [line for line in said if line.startswith(REFUSED)]
        if code == 2 and refusals:
            return "refused", refusals[-1].removeprefix(REFUSED)
        if code and any(TAKEN in line for line in said):
            return "failed", f"ended with status {code}: a port was taken ({TAKEN})"
        if code:
            last = said[-1][:200] if said else ""  # of a traceback, the error itself
            return "failed", f"ended with status {code} at step {view.steps}" + (
                last and f": {last}"
            )
        if not view.observed:
            return "unseen", "no training step was seen"
        return "done", ""

    def _said(self) -> list[str]:
        """Returns the last lines that the script printed."""
        with contextlib.suppress(OSError), (self.path / "output.txt").open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - 20_000, 0))
            lines = file.read().decode(errors="replace").splitlines()
            return [line.strip() for line in lines if line.strip()]
        return []


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
