"""The formats, and how a file of one comes to lie where it is wanted: whole, or not at all."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ..launch.errors import LaunchError
from ..report.model import Report
from .measured import everything

FORMATS = {"tensorboard": "", "csv": ".csv", "parquet": ".parquet", "json": ".json"}
"""Every format with how its file ends; TensorBoard's is a folder."""


def suggested(report: Report, to: str) -> Path:
    """Returns where a run goes if nobody says: named after it, in the working directory."""
    # the folder's own name: what run.json calls itself may be anything
    name = report.folder.resolve().name if report.folder else "run"
    return Path("tensorboard") / name if to == "tensorboard" else Path(name + FORMATS[to])


def export(report: Report, to: str, target: Path | None, *, force: bool = False) -> None:
    """Writes a run's numbers.

    Args:
        report: The run and what was found in it.
        to: A key of `FORMATS`.
        target: The file, or TensorBoard's folder; None is standard output.
        force: Replace what is there.

    Raises:
        LaunchError: There is nothing to write, or it can't be written there; nothing is left
            half-written.
    """
    if next(everything(report.view), None) is None:
        why = report.unseen.reason if report.unseen else "no number was recorded"
        raise LaunchError(f"nothing to export: {why}")
    if to == "parquet":
        importlib.import_module(f"{__package__}.parquet").needed()
    if to == "tensorboard":
        if target is None:
            raise LaunchError("--out: tensorboard needs a folder, it can't go to standard output")
        _export_folder(report, target, force=force)
        return
    writer = importlib.import_module(f"{__package__}.{to}")
    if target is None:
        writer.write(report, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    if target.is_dir():
        raise LaunchError(f"--out: {target} is a directory")
    if target.exists() and not force:
        raise LaunchError(f"{target} exists: name another file, or replace it with --force")
    with _told(target), _draft(target) as file:
        writer.write(report, file)


def _export_folder(report: Report, target: Path, *, force: bool) -> None:
    from . import tensorboard as board

    if target.exists() and not target.is_dir():
        raise LaunchError(f"--out: {target} is a file, tensorboard needs a folder")
    with _told(target):
        there = sorted(target.rglob("*tfevents*")) if target.is_dir() else []
        if there and not force:
            raise LaunchError(
                f"{target} holds event files: name another folder, or replace ours with --force"
            )
        written = set()
        for number, (folder, trainings) in enumerate(board.folders(report, target).items()):
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / board.name(report)
            with _draft(path) as file:
                for record in board.records(report, trainings, findings=number == 0):
                    file.write(record)
            written.add(path)
        for path in target.rglob(board.PATTERN):  # of an earlier export
            if path not in written:
                path.unlink()


@contextlib.contextmanager
def _told(target: Path) -> Iterator[None]:
    """Returns a disk's complaint as one line."""
    try:
        yield
    except OSError as error:
        raise LaunchError(f"can't write {target}: {error.strerror or error}") from None


@contextlib.contextmanager
def _draft(path: Path) -> Iterator[BinaryIO]:
    """Yields a file that takes its name once it is whole."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb", buffering=1 << 20) as file:
            yield file
        mask = os.umask(0)
        os.umask(mask)
        draft.chmod(0o666 & ~mask)
        draft.replace(path)
    except BaseException:  # Ctrl-C, too, leaves nothing behind
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
