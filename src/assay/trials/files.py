"""Puts back the user's files that a run has changed, from the copies that it kept."""

from __future__ import annotations

import contextlib
import filecmp
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class PutBack:
    """What a run did to files.

    Attributes:
        restored: Changed or removed, and as before again.
        made: New, and left where they are.
        lost: Changed, and not to be had back: too large to be copied, or the copy failed.
    """

    restored: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def add(self, other: PutBack) -> None:
        """Adds what another run did, each file once."""
        for known, now in (
            (self.restored, other.restored),
            (self.made, other.made),
            (self.lost, other.lost),
        ):
            known += [name for name in now if name not in known]


def put_back(run: Path, below: Path) -> PutBack:
    """Puts back what a run has changed, once it is over; does nothing the second time.

    Args:
        run: Its folder.
        below: New files are named only below this folder, and not in hidden folders.
    """
    found = PutBack()
    for manifest in sorted(run.glob("kept/files-*.jsonl")):
        for line in manifest.read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError):
                known = json.loads(line)
                _one(found, Path(known["path"]), known["copy"], known.get("large"), below)
    shutil.rmtree(run / "kept", ignore_errors=True)
    return found


def _one(found: PutBack, path: Path, copy: str | None, large: int | None, below: Path) -> None:
    if copy is not None:
        kept = Path(copy)
        if not kept.exists():
            return  # another process of the run had noted it first, and it is back already
        try:
            if path.is_file() and filecmp.cmp(kept, path, shallow=False):
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(kept, path)
        except OSError:
            found.lost.append(str(path))
        else:
            found.restored.append(str(path))
    elif large is not None:
        with contextlib.suppress(OSError):
            if path.stat().st_mtime_ns == large:
                return
        found.lost.append(str(path))
    elif path.is_file() and path.is_relative_to(below):
        parts = path.relative_to(below).parts
        if not any(part.startswith(".") or part == "__pycache__" for part in parts):
            found.made.append(str(path))
