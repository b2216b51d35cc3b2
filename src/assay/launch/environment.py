"""The child's environment: the inherited one, and the two variables that bring us in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from .errors import LaunchError

BOOT = Path(__file__).resolve().parent / "boot"


def child_environment(run: Path, inherited: Mapping[str, str] | None = None) -> dict[str, str]:
    """Returns the environment in which the child finds our bootstrap and its run folder.

    Args:
        run: The run folder.
        inherited: The environment to extend; this process's own if not given.

    Raises:
        LaunchError: assay lies in a folder that `PYTHONPATH` can't express.
    """
    environment = dict(os.environ if inherited is None else inherited)
    if os.pathsep in str(BOOT):
        raise LaunchError(f"assay can't be used from a folder with {os.pathsep!r} in it: {BOOT}")
    # PYTHONPATH="" means unset, and assay under assay must not add the folder twice.
    old = environment.get("PYTHONPATH", "")
    entries = [entry for entry in old.split(os.pathsep) if entry != str(BOOT)] if old else []
    environment["PYTHONPATH"] = os.pathsep.join([str(BOOT), *entries])
    environment["ASSAY_RUN"] = str(run.absolute())
    return environment
