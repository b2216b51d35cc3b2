"""The exact set-up of a run, saved beside it: enough to make the same run again."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

GIT_PATIENCE_S = 2.0
"""A repository too large to be looked at in this time is noted as such: the script is waiting."""

_TELLING = ("ATEN_", "CUBLAS_", "CUDA_", "CUDNN_", "KMP_", "MKL_", "NCCL_", "NVIDIA_TF32_OVERRIDE",
            "OMP_", "OPENBLAS_", "PYTHONHASHSEED", "PYTORCH_", "TORCH_")  # fmt: skip
"""Variables that change what torch computes; nothing else of the environment is written down."""


def describe(
    argv: Sequence[str], settings: Mapping[str, Any], environment: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Returns what is known of a run before it starts.

    Args:
        argv: The child's argument vector.
        settings: What the child is told: tricks, steps, seed_offset.
        environment: Of the child; this process's own if not given.

    Returns:
        `arguments`, `tricks`, `seed_offset`, `files` (hash of each file that is named in argv),
        `environment`, `platform`, `cores`, and `git` (None outside a repository). After the run
        `versions`, `sources`, their `digests` and `seeds` join them.
    """
    variables = os.environ if environment is None else environment
    return {
        "arguments": list(argv[1:]),
        "tricks": list(settings.get("tricks") or ()),
        "seed_offset": settings.get("seed_offset"),
        "files": {word: found for word in argv[1:] if (found := _hash(word))},
        "environment": {k: v for k, v in sorted(variables.items()) if k.startswith(_TELLING)},
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "git": _git(),
    }


def digests(sources: Sequence[str], began: float) -> dict[str, str]:
    """Returns the hash of each source file that is what it was when a run began.

    Args:
        sources: Paths of files that the run has loaded.
        began: When it began, in seconds since 1970; what was written later is left out.
    """
    found = {}
    for path in sources:
        with contextlib.suppress(OSError):
            if os.stat(path).st_mtime <= began and (digest := _hash(path)):
                found[path] = digest
    return found


def _hash(path: str) -> str | None:
    if not path.endswith((".py", ".toml", ".yaml", ".yml", ".json", ".cfg", ".ini")):
        return None  # a data set named on the command line may be large
    with contextlib.suppress(OSError, ValueError):
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return None


def _git() -> dict[str, Any] | None:
    """Returns commit, branch and whether tracked files are changed, of the working directory."""
    if shutil.which("git") is None:
        return None
    lines = _ask("rev-parse", "HEAD", "--abbrev-ref", "HEAD")
    if lines is None or len(lines) != 2:
        return None
    changed = _ask("status", "--porcelain", "--untracked-files=no")
    return {
        "commit": lines[0],
        "branch": lines[1],
        "changed": None if changed is None else [line[3:] for line in changed][:100],
    }


def _ask(*words: str) -> list[str] | None:
    """Returns the lines of git's answer; None if it has none, or not in time."""
    try:
        done = subprocess.run(
            ["git", *words],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=GIT_PATIENCE_S,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},  # looking must not write
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace").splitlines()
