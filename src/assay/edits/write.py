"""Writes a change into the user's files: all of them or none."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from .patch import FileChange


class WriteError(Exception):
    """Nothing was written; one line says why."""


def write(files: Sequence[FileChange]) -> list[Path]:
    """Replaces each file in one piece, with its mode kept.

    Returns:
        What was written.

    Raises:
        WriteError: A file is not what it was when the run began, or can't be written.
    """
    for file in files:
        try:
            now = file.path.read_bytes()
        except OSError as error:
            raise WriteError(f"{file.path}: {error.strerror}") from None
        if now != file.before:
            raise WriteError(f"{file.path} has changed since it was run: nothing is written")
    drafts: list[Path] = []
    done: list[FileChange] = []
    try:
        drafts += (_draft(file) for file in files)
        for file, draft in zip(files, drafts, strict=True):
            draft.replace(file.path)
            done.append(file)
    except OSError as error:
        _undo(done)
        raise WriteError(f"can't write {error.filename}: {error.strerror}") from None
    finally:
        for draft in drafts:
            with contextlib.suppress(OSError):
                draft.unlink()
    return [file.path for file in files]


def _draft(file: FileChange) -> Path:
    """Writes the new content beside the file, on the same disk, with the same mode and owner."""
    status = file.path.stat()
    handle, name = tempfile.mkstemp(prefix=f".{file.path.name}.", dir=file.path.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(file.after)
            stream.flush()
            os.fsync(stream.fileno())
        draft.chmod(status.st_mode & 0o7777)
        with contextlib.suppress(OSError):  # the file may be another's, in a folder of ours
            os.chown(draft, status.st_uid, status.st_gid)
    except OSError:
        draft.unlink()
        raise
    return draft


def _undo(done: Iterable[FileChange]) -> None:
    for file in done:
        with contextlib.suppress(OSError):
            file.path.write_bytes(file.before)
