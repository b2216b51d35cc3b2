"""The report as JSON: one object, written whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path

from .model import Report


def write_json(report: Report, target: str) -> None:
    """Writes the report to a file, or to standard output for `-`.

    Args:
        report: What to write.
        target: A path, or `-`.

    Raises:
        OSError: The file can't be written; one that was there stays as it was.
    """
    text = json.dumps(report.as_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    data = text.encode("utf-8", "replace")
    if target == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    path = Path(target)
    if path.exists() and not path.is_file():  # a pipe or /dev/stderr can't be replaced
        path.write_bytes(data)
        return
    handle, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(draft).chmod(0o666 & ~_umask())
        Path(draft).replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            Path(draft).unlink()
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
