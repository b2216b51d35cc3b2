"""Ranks that took no step for long, as each has written down where it stood."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from .events import STANDING, Standing
from .view import Event, RunView, Site


def read_standing(folder: Path) -> list[Event[Standing]]:
    """Returns an event for each process that stood still when it was last looked at, by rank."""
    found: list[Event[Standing]] = []
    for path in folder.glob("standing-*.json"):
        with suppress(OSError, ValueError, LookupError, TypeError):
            line: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            data: Standing = {
                "pid": int(line["pid"]),
                "rank": int(line["rank"] or 0),
                "world": int(line["world"] or 0),
                "still_s": float(line["still_s"]),
                "stack": [[str(row[0]), int(row[1]), str(row[2])] for row in line["stack"]],
                "call": str(line["call"]),
                "kind": str(line["kind"]),
                "fixed": bool(line["fixed"]),
            }
            site = Site.read(data["stack"][0]) if data["stack"] else None
            found.append(Event(STANDING.name, int(line["step"]), data, site))
    return sorted(found, key=lambda event: event.data["rank"])


def add_standing(folder: Path, view: RunView, first: int = 0) -> None:
    """Adds them to a view, each as its process's: one of those from the first on."""
    processes = view.facts.get("processes") or []
    here = list(enumerate(processes))[first:]
    number = {process["pid"]: place for place, process in here}
    for e in read_standing(folder):
        process = number.get(e.data["pid"], 0)
        view.all_events.append(Event(e.kind, e.step, e.data, e.site, process=process))
        world = max(e.data["world"], int(view.facts.get("world") or 1))
        view.facts["world"] = world
