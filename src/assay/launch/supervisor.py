"""Starts the user's program, stays out of its way, outlives it, and ends as it ended."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, NoReturn

from .deadline import GRACE_S, STARTING_S, Deadline
from .errors import LaunchError
from .folder import RunFolder
from .leftovers import kill_leftovers

# A terminal sends these to the whole process group: the child has them already.
_FROM_TERMINAL = (signal.SIGINT, signal.SIGQUIT)
LOOK_S = 0.2
"""How often is looked whether the child's time is over."""

_FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        exit_code: 0 to 255; None if a signal killed the child.
        signal: Number of the signal that killed the child; None if it exited by itself.
        seconds: Wall-clock time from start to end.
        overran: It had to be stopped from outside, long past the `seconds` it was given.
    """

    exit_code: int | None
    signal: int | None
    seconds: float
    overran: bool = False


def run(
    argv: Sequence[str],
    env: Mapping[str, str],
    folder: RunFolder,
    seconds: float | None = None,
    *,
    grace: float = GRACE_S,
    starting: float = STARTING_S,
) -> Outcome:
    """Runs a command to its end in our own terminal and process group; notes how it ended.

    Args:
        argv: The child's argument vector.
        env: The child's whole environment.
        folder: Where `run.json` is completed.
        seconds: Of training, after which the child should stop by itself, at a step. If it does
            not, it is stopped from outside (`Deadline`).
        grace: In seconds, from then to SIGTERM, and from there to SIGKILL.
        starting: In seconds, how long the child may take beyond that to its first step.

    Raises:
        LaunchError: The command can't be started: status 127 if it isn't there, else 126.
    """
    with _Relay() as relay:
        started = time.monotonic()
        try:
            # Descriptors stay open: `assay check train.py <(make-config)` passes /dev/fd/63.
            child = subprocess.Popen(argv, env=env, close_fds=False)
        except OSError as error:
            status = 127 if isinstance(error, FileNotFoundError) else 126
            raise LaunchError(f"can't start {argv[0]}: {error.strerror}", status) from None
        relay.attach(child)
        deadline = Deadline(folder.path, seconds, grace=grace, starting=starting)
        with _watched(child, deadline, folder.path):
            code = child.wait()
        took = time.monotonic() - started
    outcome = Outcome(
        exit_code=code if code >= 0 else None,
        signal=-code if code < 0 else None,
        seconds=took,
        overran=deadline.passed,
    )
    try:
        folder.end(exit_code=outcome.exit_code, signal=outcome.signal, seconds=took)
    except LaunchError as error:  # a disk filled by the script must not cost the report
        print(f"assay: {error}", file=sys.stderr)  # noqa: T201
    return outcome


def finish(outcome: Outcome) -> NoReturn:
    """Ends this process as the child ended: same exit code, or death by the same signal.

    A child that was stopped since its seconds were over did what was asked: status 0.
    """
    if outcome.overran and outcome.signal in (signal.SIGTERM, signal.SIGKILL):
        sys.exit(0)
    if outcome.signal is not None:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        # One core file, the child's own, is enough.
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        with contextlib.suppress(OSError):  # SIGKILL has no handler to restore
            signal.signal(outcome.signal, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {outcome.signal})
        os.kill(os.getpid(), outcome.signal)
        sys.exit(
            128 + outcome.signal
        )  # the signal can't kill us, as the first process of a container
    sys.exit(outcome.exit_code)


class _Relay:
    """Passes our signals on to the child for as long as it lives.

    Handlers stand before the child starts, so none is lost, and are functions: exec resets those
    to the default in the child. What is ignored stays ignored, here and there (`nohup`).
    """

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> _Relay:
        if threading.current_thread() is threading.main_thread():
            for number in (*_FROM_TERMINAL, *_FORWARDED):
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._previous[number] = signal.signal(number, self._receive)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def attach(self, child: subprocess.Popen[bytes]) -> None:
        """Names the child, and sends it what came while it was being started."""
        self._child = child
        for number in self._early:
            child.send_signal(number)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self._child is None:
            self._early.append(number)
        elif number not in _FROM_TERMINAL:
            self._child.send_signal(number)


@contextlib.contextmanager
def _watched(child: subprocess.Popen[bytes], deadline: Deadline, run: Path) -> Iterator[None]:
    """Sends the child the signals that are due, from a thread, while it is waited for."""
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(LOOK_S):
            number = deadline.due()
            if number is not None:
                child.send_signal(number)
            if number == signal.SIGKILL:
                kill_leftovers(run)

    thread = threading.Thread(target=look, name="assay-deadline", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
