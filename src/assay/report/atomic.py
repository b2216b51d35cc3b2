"""Files written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file in one piece.

    Args:
        path: Where to; a pipe or a device is written into, a file is replaced.
        data: What it holds then.

    Raises:
        OSError: It can't be written; a file that was there stays as it was.
    """
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
