"""Starts the process in which experiments run, and reads what they measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from .page import Measured

_PACKAGES = Path(__file__).resolve().parents[2]


class ExperimentError(Exception):
    """The process of the experiments ended before they were done."""


def run(names: Sequence[str]) -> Iterator[tuple[str, Measured]]:
    """Runs experiments in one process, and gives each as it is done.

    Raises:
        ExperimentError: The process can't be started, or ended early.
    """
    # an empty folder: no file of the user's that is called like a module stands in its way
    with tempfile.TemporaryDirectory() as empty, tempfile.TemporaryFile("w+") as complaints:
        missing = list(names)
        with subprocess.Popen(
            [sys.executable, "-m", __package__, *names],
            cwd=empty, env=_environment(), stdout=subprocess.PIPE, stderr=complaints, text=True,
        ) as process:  # fmt: skip
            try:
                assert process.stdout is not None
                for line in process.stdout:
                    done = json.loads(line)
                    missing.remove(done["name"])
                    yield done["name"], Measured(done["numbers"], done["curves"])
            except BaseException:  # whoever stops to ask needs no more of it
                process.kill()
                raise
        if missing:
            complaints.seek(0)
            said = complaints.read().strip().splitlines()
            reason = said[-1] if said else f"status {process.returncode}"
            raise ExperimentError(f"the experiment {missing[0]} did not end: {reason}")


def _environment() -> dict[str, str]:
    """Returns this process's environment with absolute paths, ours first, and one thread."""
    given = os.environ.get("PYTHONPATH", "")
    paths = [os.path.abspath(entry) for entry in given.split(os.pathsep) if entry]
    path = os.pathsep.join([str(_PACKAGES), *paths])
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
