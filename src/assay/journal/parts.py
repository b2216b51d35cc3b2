"""Runs that are parts of one: each machine of a distributed training has its own run folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PARTS = "parts"
"""The folder below a joined run where the records of its machines lie."""
CLOCKS_S = 120.0
"""Ranks of one group come together in a moment; clocks of machines differ by less than this."""
_HEAD = 400


@dataclass(frozen=True, slots=True)
class Member:
    """One process of a group, as the head of its journal tells.

    Attributes:
        rank: Its own.
        world: How many there are.
        meeting: Where they met, `address:port`; empty where nobody said.
        time: When, in seconds since 1970, by its machine's clock.
    """

    rank: int
    world: int
    meeting: str
    time: float


def members(folder: Path) -> list[Member]:
    """Returns the processes of a run folder that have joined a group of several."""
    found = [member for path in folder.glob("journal-*.jsonl") if (member := _member(path))]
    return sorted(found, key=lambda member: member.rank)


def siblings(folder: Path) -> list[Path]:
    """Returns the other run folders that hold ranks of the same training.

    They lie beside this one, where machines share a file system. Looked for only where ranks are
    missing here; a record counts if its ranks are others of a group of the same size that met at
    the same address at the same time.
    """
    own = members(folder)
    if not own or len({member.rank for member in own}) >= own[0].world:
        return []
    ranks, found = {member.rank for member in own}, []
    began = _began(folder)
    for path in sorted(folder.absolute().parent.iterdir()):
        other = _began(path)
        if path.name == folder.absolute().name or None in (began, other):
            continue
        if abs(began - other) > 30 * CLOCKS_S:  # type: ignore[operator]
            continue
        theirs = members(path)
        if theirs and _same_group(own[0], theirs[0]) and not ranks & {m.rank for m in theirs}:
            ranks |= {member.rank for member in theirs}
            found.append(path)
    return found


def parts(folder: Path) -> list[Path]:
    """Returns the folders whose records make one run, this one first."""
    joined = sorted(path for path in (folder / PARTS).glob("*") if path.is_dir())
    return [folder, *joined, *(siblings(folder) if not joined else ())]


def has_ended(folder: Path) -> bool:
    """Whether the end of what ran in this folder is on record."""
    with suppress(OSError, ValueError):
        account = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        return isinstance(account, dict) and "ended" in account
    return False


def _same_group(one: Member, other: Member) -> bool:
    return (
        one.world == other.world
        and one.meeting == other.meeting
        and abs(one.time - other.time) <= CLOCKS_S
    )


def _member(path: Path) -> Member | None:
    for line in _head(path):
        if line.get("k") == "process_group" and int(line.get("world") or 1) > 1:
            with suppress(LookupError, TypeError, ValueError):
                return Member(
                    int(line["rank"]), int(line["world"]), str(line["meeting"]), float(line["time"])
                )
    return None


def _began(folder: Path) -> float | None:
    """Returns when the first process of a folder began; None for what is no run."""
    with suppress(OSError):
        times = [
            float(line["time"])
            for path in folder.glob("journal-*.jsonl")
            for line in _head(path, 1)
            if isinstance(line.get("time"), (int, float))
        ]
        return min(times, default=None)
    return None


def _head(path: Path, most: int = _HEAD) -> Iterator[dict[str, Any]]:
    with suppress(OSError), path.open("rb") as file:
        for number, raw in enumerate(file):
            if number >= most:
                return
            with suppress(ValueError):
                line = json.loads(raw)
                if isinstance(line, dict):
                    yield line
