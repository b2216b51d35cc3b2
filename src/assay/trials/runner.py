"""Runs what is left to run, several at a time, each bounded in time; keeps what is known."""

from __future__ import annotations

import hashlib
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from ..journal.reader import read_run
from ..journal.view import RunView
from .child import TAKEN, Child, Command
from .plan import Job
from .result import Result
from .store import Store

POLL_S = 0.05
KEPT = ("done", "refused", "slow")
"""What is known for good; a script that failed may have met a full disk."""


class ProgressListener(Protocol):
    """Is told how the work goes on."""

    def work(self, running: Sequence[Child], left: int) -> None:
        """Called often: what is running now, and how many runs wait."""

    def ended(self, job: Job, result: Result) -> None:
        """Hears that a run has ended, or is known from an earlier trial."""

    def retried(self, job: Job, result: Result) -> None:
        """Hears that a run was killed and is tried again."""


class Quiet:
    """Listens and says nothing."""

    def work(self, running: Sequence[Child], left: int) -> None:
        """Says nothing."""

    def ended(self, job: Job, result: Result) -> None:
        """Says nothing."""

    def retried(self, job: Job, result: Result) -> None:
        """Says nothing."""


class Runner:
    """The queue of one trial.

    Args:
        command: What is run.
        store: Where results are kept, and looked for first.
        folder: The trial's folder; each run has a folder below it.
        jobs: Runs at the same time.
        listener: Is told of progress.
        fresh: Look for no earlier results.
        deadline: By `time.monotonic`; what is not done then is left out.
    """

    def __init__(
        self,
        command: Command,
        store: Store,
        folder: Path,
        jobs: int = 1,
        listener: ProgressListener | None = None,
        *,
        fresh: bool = False,
        deadline: float | None = None,
    ) -> None:
        self.command, self.store, self.folder = command, store, folder
        self.jobs, self.listener = jobs, listener or Quiet()
        self.fresh, self.deadline = fresh, deadline
        self.results: dict[Job, Result] = {}
        self.views: dict[Job, RunView] = {}
        self.patched: list[Result] = []
        self.length: int | None = None
        self.measure: Callable[[Result], Result] | None = None
        """Adds to each result what else is to be compared."""
        self.doubt: Callable[[Child], str] | None = None
        """Says why a run under way is to be ended now; nothing to let it go on."""
        self.started: Callable[[Child], None] | None = None
        """Hears of each run as it begins."""
        self._argv = command.argv()

    def run(
        self, jobs: Sequence[Job], also: Callable[[Job, Result], Sequence[Job]] | None = None
    ) -> None:
        """Runs these jobs, as far as time allows; `results` has what came of them.

        Args:
            jobs: In the order in which they are wanted.
            also: What to run next because of a result; it is put first.

        Raises:
            KeyboardInterrupt: Ctrl-C or SIGTERM; running children are ended first.
            LaunchError: A child can't be started.
        """
        waiting, running = deque(jobs), list[Child]()
        tried: set[Job] = set()

        def note(job: Job, result: Result) -> None:
            result = self.measure(result) if self.measure else result
            self.results[job] = result
            self.listener.ended(job, result)
            waiting.extendleft(reversed(also(job, result) if also else ()))

        with sigterm_as_interrupt():
            try:
                while waiting or running:
                    while waiting and len(running) < self.jobs and not self.late():
                        job = waiting.popleft()
                        known = self._known(job)
                        if known is not None:
                            note(job, known)
                        else:
                            running.append(self._start(job, second=job in tried))
                    if not running and self.late():
                        return
                    self.listener.work(running, len(waiting))
                    time.sleep(POLL_S)
                    self._doubt(running)
                    for child in [child for child in running if child.ended()]:
                        running.remove(child)
                        job = child.job
                        result, view = child.read()
                        if job not in tried and self._may_be_chance(result):
                            tried.add(job)
                            if TAKEN in result.why:  # of two runs: the script names its port itself
                                self.jobs = 1
                            self.listener.retried(job, result)
                            waiting.appendleft(job)
                            continue
                        self.views[job] = view
                        if result.state in KEPT and not child.sources_changed(result):
                            bounded = result.state == "slow"
                            self.store.keep(job.key(self._argv, bounded=bounded), result)
                        note(job, result)
                    if self.late():
                        for child in running:
                            child.kill()
                        return
            finally:
                for child in running:
                    child.kill()

    def _doubt(self, running: Sequence[Child]) -> None:
        if self.doubt is None:
            return
        for child in running:
            if why := self.doubt(child):
                child.end(why)

    def run_patched(
        self, job: Job, patched: Mapping[Path, bytes]
    ) -> tuple[Result | None, RunView | None]:
        """Runs the script once with other content in some of its files.

        Returns:
            What came of it and its record; None and None if time ran out.

        Raises:
            KeyboardInterrupt: Ctrl-C or SIGTERM; the child is ended first.
            LaunchError: It can't be started.
        """
        key = self._patched_key(job, patched)
        known = None if self.fresh else self.store.known(key)
        if known is not None and (seen := read_run(Path(known.folder))).observed:
            self.patched.append(known)
            self.listener.ended(job, known)
            return known, seen
        with sigterm_as_interrupt():
            child = Child(self.command, job, self._path(job), self.length, patched=patched)
            try:
                while not child.ended():
                    self.listener.work([child], 0)
                    if self.late():
                        return None, None
                    time.sleep(POLL_S)
                result, view = child.read()
                self.patched.append(result)
                if result.state == "done" and not child.sources_changed(result):
                    self.store.keep(key, result)
                self.listener.ended(job, result)
                return result, view
            finally:
                child.kill()

    def _may_be_chance(self, result: Result) -> bool:
        """Whether to try once more: the machine may have been asleep, or short of memory.

        The control's first run is bounded by the time for all; that it is slow tells something.
        """
        if result.state == "failed" and TAKEN in result.why:
            return True
        return result.state == "killed" or (result.state == "slow" and self.length is not None)

    def _patched_key(self, job: Job, patched: Mapping[Path, bytes]) -> str:
        told = hashlib.sha256(job.key(self._argv).encode())
        for path, content in sorted(patched.items()):
            told.update(f"{path}\0".encode() + hashlib.sha256(content).digest())
        return told.hexdigest()[:24]

    def late(self) -> bool:
        """Whether the time for the whole trial is over."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    def keep_as(self, job: Job, result: Result) -> None:
        """Keeps a result under another job too: a run stopped at step n is one of n steps."""
        self.results[job] = result
        self.store.keep(job.key(self._argv), result)

    def run_again(self, job: Job) -> None:
        """Runs a job whatever is known of it."""
        self.results.pop(job, None)
        fresh, self.fresh = self.fresh, True
        try:
            self.run([job])
        finally:
            self.fresh = fresh

    def _known(self, job: Job) -> Result | None:
        if job in self.results or self.fresh:
            return self.results.get(job)
        known = self.store.known(job.key(self._argv))
        return known or self.store.known(job.key(self._argv, bounded=True))

    def _start(self, job: Job, *, second: bool) -> Child:
        path = self._path(job, "-again" if second else "")
        child = Child(self.command, job, path, self.length)
        if self.started is not None:
            self.started(child)
        return child

    def _path(self, job: Job, also: str = "") -> Path:
        name = f"{job.candidate.name}-seed{job.seed}{also}"
        safe = "".join(c if c.isalnum() or c in "-=.,+" else "_" for c in name)[:80]
        path, number = self.folder / safe, 1
        while path.exists():
            number += 1
            path = self.folder / f"{safe}-{number}"
        return path


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Leaves no children behind, whoever ends us."""

    def interrupt(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
