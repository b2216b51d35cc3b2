"""Further workers, for as long as a search goes on: processes of this machine, or of a cluster."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..launch.errors import LaunchError

GRACE_S = 20.0
"""A worker that is asked to end first ends its run."""


ENGINES = ("here", "ray")


def helpers(
    engine: str, folder: Path, number: int, options: Sequence[str] = ()
) -> contextlib.AbstractContextManager[None]:
    """Has so many others work on a study, and ends them.

    Args:
        engine: One of `ENGINES`.
        folder: The study's.
        number: How many.
        options: Of `assay tune --worker`, beside the folder.
    """
    if engine == "ray":
        from .by_ray import ray_helpers

        return ray_helpers(folder, number, options)
    return processes(folder, number, options)


@contextlib.contextmanager
def processes(folder: Path, number: int, options: Sequence[str] = ()) -> Iterator[None]:
    """Has so many other processes work on a study, and ends them.

    They are no part of our process group: if we are killed, they go on with what was asked.

    Args:
        folder: The study's; what they say lies in it.
        number: How many.
        options: Of `assay tune --worker`, beside the folder.

    Raises:
        LaunchError: One can't be started.
    """
    words = [sys.executable, "-m", "assay", "tune", *options, "--worker", str(folder)]
    with contextlib.ExitStack() as all_of_them:
        for place in range(number):
            try:
                log = all_of_them.enter_context((folder / f"worker-{place + 1}.log").open("ab"))
                process = subprocess.Popen(
                    words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )
            except OSError as error:
                raise LaunchError(f"can't start a worker: {error.strerror}") from None
            all_of_them.callback(_end, process)
            all_of_them.callback(process.terminate)
        yield


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
