"""What second runs of a script have told of the first one: notes that lie in its folder."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from .view import Event, RunView

TRACED, REPEATED = "traced.json", "repeated.json"
"""Of the run that traced one step, and of the one that was to be the same again."""


def read_notes(folder: Path, view: RunView) -> None:
    """Adds what the notes in a run's folder say; one that makes no sense is passed over."""
    for name, read in ((TRACED, read_traced), (REPEATED, read_repeated)):
        with suppress(OSError, ValueError, LookupError, TypeError):
            read(json.loads((folder / name).read_text(encoding="utf-8")), view)


def read_repeated(note: dict[str, Any], view: RunView) -> None:
    """Adds how a second run of the script compares with this one, or why that is not known."""
    data = note["data"]
    if data is None:
        view.skipped["repeated"] = str(note["why"])
        return
    view.all_events.append(Event("repeated", int(data["at"] or 0), data))


def read_traced(note: dict[str, Any], view: RunView) -> None:
    """Adds what a second run of the script has told of this one (`retrace`)."""
    data, training = note["data"], int(note["training"])
    if data is None:
        view.skipped["forensics"] = f"not traced: {note['why']}"
        return
    event = Event("nonfinite_traced", int(data["at"]), data, training=training)
    view.all_events.append(event)
