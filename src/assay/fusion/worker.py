"""A process that has torch and merges: asked and answered in lines of JSON."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from ..launch.command import find_python
from ..launch.errors import LaunchError

ALLOCATING = {"MALLOC_MMAP_THRESHOLD_": str(2**20)}
"""Has glibc give back each piece of a tensor when it is freed. By default it learns to keep them,
which raised the peak of `ties` (from 531 to 830 MB with files of 2 GB)."""

START = Path(__file__).resolve().parents[1] / "merging" / "start.py"


class Worker:
    """The process, from its start to its end.

    Args:
        python: Its interpreter; None for the one that would run a script.
    """

    def __init__(self, python: str | None = None) -> None:
        self._python = find_python(python)

    def __enter__(self) -> Worker:
        # a pipe that nobody reads would fill up
        self._said = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(
                [self._python, str(START)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                env={**os.environ, **ALLOCATING},
                text=True,
                encoding="utf-8",
            )
        except OSError as error:
            raise LaunchError(f"can't start {self._python}: {error.strerror}", 126) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._process.terminate()
        self._process.communicate()
        self._said.close()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def ask(self, do: str, **asked: Any) -> dict[str, Any]:
        """Returns its answer.

        Raises:
            LaunchError: What was asked for can't be done, or the process has ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            print(json.dumps({"do": do, **asked}), file=self._process.stdin, flush=True)
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise LaunchError(self._ended(), 1)
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise LaunchError(str(answer["error"]))
        return answer

    def _ended(self) -> str:
        self._process.communicate()
        self._said.seek(0)
        said = self._said.read().decode(errors="replace").splitlines()
        last = ([line for line in said if line.strip()] or ["nothing was said"])[-1]
        if "No module named 'torch'" in last:
            return f"{self._python} has no torch; --python names an interpreter that has"
        return f"the process that merges ended with {self._process.returncode}: {last.strip()}"
