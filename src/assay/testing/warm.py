"""Runs scripts under assay without importing torch for each: one warm process, a fork a script.

Importing torch takes most of the time of a small training script. A `WarmRunner` pays for it once;
what a script sees, prints and leaves in its run folder is as under the launcher, which has tests
of its own. CPU only, one thread.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NoReturn

from ..launch.folder import RunFolder
from ..launch.supervisor import Outcome
from ..observe import Observed, observe

ZYGOTE = Path(__file__).with_name("zygote.py")
LIMIT_S = 300.0
"""A script that takes longer is killed: generous, since many tests may share the machine."""


class WarmRunner:
    """Runs scripts in forks of a process that has imported torch already.

    A context manager: the process is started at once, works in the background until it is needed,
    and ends with the block, together with every script that is still running.

    Args:
        limit: Seconds after which a script is killed.
    """

    def __init__(self, limit: float = LIMIT_S) -> None:
        self.limit = limit
        self._lock = threading.RLock()
        self._ended: dict[int, int] = {}
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, str(ZYGOTE), str(theirs.fileno())],
                env=_environment(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C is for us alone
            )

    def __enter__(self) -> WarmRunner:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process and all scripts that are still running."""
        self._control.close()
        self._process.wait()

    def observe(
        self,
        words: Sequence[str],
        settings: Mapping[str, Any] | None = None,
        *,
        run_dir: str | Path | None = None,
        base: str | Path | None = None,
    ) -> Observed:
        """Runs `script.py args...` or `-m module args...` under assay and reads its record.

        Args:
            words: As for `assay.observe.observe`; `-- command` can't be run warm.
            settings: What the child is told.
            run_dir: The run folder itself; a new one below `base` if not given.
            base: The folder of all runs; `.assay/runs` if not given.

        Raises:
            LaunchError: Nothing was started, and why.
        """
        return observe(
            words, settings, python=sys.executable, run_dir=run_dir, base=base, supervise=self.run
        )

    def run(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        folder: RunFolder,
        seconds: float | None = None,
    ) -> Outcome:
        """Runs a command to its end; stands in for `launch.supervisor.run`.

        Args:
            argv: The child's argument vector.
            env: The child's whole environment.
            folder: Where `run.json` is completed.
            seconds: When the child should have stopped by itself; not enforced here.
        """
        started = time.monotonic()
        process = self.spawn(argv, env=env)
        overran = False
        try:
            code = process.wait(self.limit)
        except subprocess.TimeoutExpired:
            overran = True
        finally:
            process.kill()  # the script past its limit, or the workers that it left behind
            code = process.wait()
        outcome = Outcome(
            exit_code=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            seconds=time.monotonic() - started,
            overran=overran,
        )
        folder.end(exit_code=outcome.exit_code, signal=outcome.signal, seconds=outcome.seconds)
        return outcome

    def spawn(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | Path | None = None,
        stdin: int | IO[Any] | None = subprocess.DEVNULL,
        stdout: int | IO[Any] | None = None,
        stderr: int | IO[Any] | None = None,
        start_new_session: bool = True,
    ) -> WarmProcess:
        """Starts a script; called as `subprocess.Popen` is.

        Args:
            argv: This interpreter, then `script.py args...` or `-m module args...`.
            env: Its whole environment; ours if not given.
            cwd: Its working directory; ours if not given.
            stdin: A descriptor or a file, `subprocess.DEVNULL`, or None for ours.
            stdout: The same.
            stderr: The same, or `subprocess.STDOUT`.
            start_new_session: It always leads a session and a process group of its own.

        Raises:
            ValueError: It can't be run by a fork of this interpreter.
            RuntimeError: The warm process is gone.
        """
        python, *words = argv
        if python != sys.executable or not words or (words[0][:1] == "-" and words[0] != "-m"):
            raise ValueError(f"can't be run warm: {' '.join(argv)}")
        request = {
            "argv": [str(word) for word in argv],
            "env": _environment(os.environ if env is None else env),
            "cwd": str(Path(cwd or os.getcwd()).absolute()),
        }
        raw = json.dumps(request).encode()
        null = os.open(os.devnull, os.O_RDWR)
        try:
            output = _descriptor(stdout, 1, null)
            streams = [
                _descriptor(stdin, 0, null),
                output,
                output if stderr == subprocess.STDOUT else _descriptor(stderr, 2, null),
            ]
            with self._lock:
                try:
                    socket.send_fds(self._control, [len(raw).to_bytes(4, "big")], streams)
                    self._control.sendall(raw)
                except OSError:
                    self._lost()
                while (pid := self._receive(None)) is None:
                    pass
        finally:
            os.close(null)
        return WarmProcess(self, pid, argv)

    def code_of(self, pid: int, patience: float) -> int | None:
        """Returns the exit code of a process that was started here; None if it runs on.

        Args:
            pid: Its number.
            patience: Seconds to wait for it.
        """
        end = time.monotonic() + patience
        while True:
            with self._lock:
                if pid in self._ended:
                    return self._ended[pid]
                left = end - time.monotonic()
                self._receive(min(max(left, 0.0), 0.05))
                if pid in self._ended:
                    return self._ended[pid]
            if left <= 0:
                return None

    def _receive(self, patience: float | None) -> int | None:
        """Takes one message; the number of a process if that is what it tells of."""
        ready, _, _ = select.select([self._control], [], [], patience)
        if not ready:
            return None
        message = json.loads(self._exactly(int.from_bytes(self._exactly(4), "big")))
        if "started" in message:
            self._ended.pop(message["started"], None)  # the number of an earlier one
            return int(message["started"])
        self._ended[message["ended"]] = message["code"]
        return None

    def _exactly(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            try:
                part = self._control.recv(size - len(parts))
            except ConnectionResetError:
                part = b""
            if not part:
                self._lost()
            parts += part
        return bytes(parts)

    def _lost(self) -> NoReturn:
        raise RuntimeError(f"the warm process ended with status {self._process.wait()}")


class WarmProcess:
    """A running script, with the part of `subprocess.Popen` that is needed of one.

    Attributes:
        pid: Of the process, and of its group.
        returncode: As for `Popen`: negative for a signal, None while it runs.
    """

    def __init__(self, runner: WarmRunner, pid: int, argv: Sequence[str]) -> None:
        self._runner, self.pid, self._argv = runner, pid, argv
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Returns the exit code; None while it runs."""
        if self.returncode is None:
            self.returncode = self._runner.code_of(self.pid, 0.0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the end.

        Raises:
            subprocess.TimeoutExpired: It did not come in time.
        """
        if self.returncode is None:
            patience = float("inf") if timeout is None else timeout
            self.returncode = self._runner.code_of(self.pid, patience)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(list(self._argv), timeout or 0.0)
        return self.returncode

    def kill(self) -> None:
        """Kills its whole process group; what it has left behind too."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment of the warm process and its scripts: one thread, no device."""
    return {**given, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def _descriptor(given: int | IO[Any] | None, own: int, null: int) -> int:
    if given is None:
        return own
    if not isinstance(given, int):
        return given.fileno()
    return null if given == subprocess.DEVNULL else given
