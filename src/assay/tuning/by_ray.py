"""Further workers on a Ray cluster, for as long as a search goes on."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..launch.errors import LaunchError

AGAIN = 3
"""So often Ray begins a worker anew that has died."""


@contextlib.contextmanager
def ray_helpers(folder: Path, number: int, options: Sequence[str] = ()) -> Iterator[None]:
    """Has so many workers on a cluster work on a study, and ends them.

    The cluster is that of `RAY_ADDRESS`, or one that begins here. Its machines see the study's
    folder, or the study is kept on a server.

    Args:
        folder: The study's.
        number: How many.
        options: Of `assay tune --worker`, beside the folder.

    Raises:
        LaunchError: Ray is not there, or the cluster is not.
    """
    try:
        import ray
    except ImportError:
        raise LaunchError("--engine ray needs Ray: pip install 'assay[ray]'") from None
    words = ["-m", "assay", "tune", *options, "--worker", str(folder)]
    try:
        ray.init(
            ignore_reinit_error=True, log_to_driver=False, logging_level="ERROR",
            include_dashboard=False,
        )  # fmt: skip
    except (ConnectionError, RuntimeError, OSError, ValueError) as error:
        address = os.environ.get("RAY_ADDRESS", "one of its own")
        raise LaunchError(f"--engine ray: no cluster at {address}: {error}") from None
    task: Any = ray.remote(num_cpus=1, max_retries=AGAIN)(_work)
    running = [task.remote(words, os.getcwd(), str(folder)) for _ in range(number)]
    try:
        yield
    finally:
        with contextlib.suppress(Exception):  # those that are over by themselves
            ray.get(running, timeout=0)
        for one in running:
            with contextlib.suppress(Exception):
                ray.cancel(one, force=True)
        ray.shutdown()


def _work(words: list[str], where: str, folder: str) -> int:
    """Runs a worker, in a process of the cluster; it ends with that process."""
    from assay.launch.processes import start_tied

    log = Path(folder) / f"worker-ray-{os.getpid()}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as said:
        process = start_tied(
            [sys.executable, *words], cwd=where if os.path.isdir(where) else None,
            stdin=subprocess.DEVNULL, stdout=said, stderr=said,
        )  # fmt: skip
        return process.wait()
