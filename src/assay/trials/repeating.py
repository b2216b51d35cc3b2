"""A second run of the unchanged script, which shows whether its seeds make it the same again."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..comparison import Stage, compare
from ..journal.events import LOAD_STATE
from ..journal.numbers import to_json
from ..journal.second_runs import REPEATED, read_repeated
from ..journal.view import RunView
from .alone import Working, run_alone
from .child import Child, Command
from .files import PutBack
from .plan import CONTROL, Job
from .retracing import AS_CHECKED

FOLDER = "again"
"""The second run's own folder, below the first one's."""
PATIENCE = 3.0
"""Times the first run's duration, and a minute: it is ended then."""


def repeat(
    view: RunView,
    command: Command,
    folder: Path,
    working: Working,
    settings: Mapping[str, object],
) -> PutBack:
    """Runs the script a second time, and adds to the first run's record how the two compare.

    Args:
        view: The first run, which gets the event `repeated`, or the reason why there is none.
        command: What was run.
        folder: The first run's folder, where the second one's lies, and what was found.
        working: Is told, often, of the run in progress.
        settings: What the first run's child was told.

    Returns:
        What the second run did to files; they are as before again.

    Raises:
        KeyboardInterrupt: Ctrl-C; the script is ended first.
        LaunchError: It can't be started.
    """
    limit = PATIENCE * float(view.facts.get("seconds") or 0) + 60
    told = {**AS_CHECKED, "tricks": [], **settings, "keep_files": True}
    job, files = Job(CONTROL, 0, None, limit), PutBack()
    child = Child(replace(command, checks=()), job, folder / FOLDER, told=told)
    note = compared(view, run_alone(child, working, files)[1])
    with contextlib.suppress(OSError):
        (folder / REPEATED).write_text(json.dumps(note) + "\n", encoding="utf-8")
    read_repeated(note, view)
    return files


def compared(first: RunView, second: RunView) -> dict[str, Any]:
    """Returns how two runs of one script compare, as the first one's folder keeps it."""
    if why := _why_not(first, second):
        return {"data": None, "why": why}
    found = compare(first, second)
    parting = found.parting
    data: dict[str, Any] = {
        "steps": found.steps, "at": None, "stage": None, "sampled": False, "place": "",
        "a": None, "b": None, "near": False,
    }  # fmt: skip
    if parting is not None:
        seen = {each.stage for each in parting.seen if each.step == parting.step}
        of_stage, loss = parting.at(parting.stage), parting.at(Stage.LOSS)
        place = parting.first_other or ("" if of_stage is None else of_stage.place)
        data.update(at=parting.step, stage=parting.stage.name.lower(), place=place,
                    sampled={Stage.WEIGHTS, Stage.BATCH} <= seen, near=parting.near)  # fmt: skip
        if loss is not None:
            data.update(a=to_json(loss.a), b=to_json(loss.b))
    return {"data": data, "why": None}


def _why_not(first: RunView, second: RunView) -> str:
    """Returns why two runs can't be compared; "" if they can."""
    if not first.observed:
        return "the first run took no training step"
    if not second.observed:
        return f"the second run took no training step{_ending(second)}"
    if _loads(second) > _loads(first):
        return "the second run loaded a state that the first one, perhaps, had saved"
    return ""


def _loads(view: RunView) -> int:
    return sum(1 for _ in view.events(LOAD_STATE))


def _ending(view: RunView) -> str:
    code = view.facts.get("exit_code")
    return f": it ended with exit status {code}" if code else ""
