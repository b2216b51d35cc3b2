"""Ranks that failed, as the process that started them has written it down."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM

from .view import RunView


@dataclass(frozen=True, slots=True)
class Death:
    """One rank that did not end well: its steps as far as they were seen.

    `exit_code` is below 0 for a signal, and None where nobody knows it.
    """

    rank: int
    exit_code: int | None
    steps: int


def read_deaths(path: Path, view: RunView, first: int = 0, *, over: bool = True) -> None:
    """Adds the ranks that failed, the first cause first, as `facts["deaths"]`.

    A process that was killed stands before one that raised, since ranks that wait for one that is
    gone raise too; those that torch ended by SIGTERM came last. Where nobody wrote anything down, a
    rank whose journal has no end, while those of others have one, died.

    Args:
        path: The file.
        view: What is known so far.
        first: Number of the first process that the file can be about: those of one machine.
        over: Whether what runs there has ended, so that an end that is missing tells something.
    """
    processes = view.facts.get("processes") or []
    here = list(enumerate(processes))[first:]
    steps: dict[int, int] = {}
    for training in view.trainings:
        steps[training.process] = max(training.steps, steps.get(training.process, 0))
    by_pid = {process["pid"]: number for number, process in here}
    found: dict[int, Death] = {}
    with suppress(FileNotFoundError):
        for raw in path.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError, LookupError, TypeError):
                line = json.loads(raw)
                number = by_pid.get(line["pid"])
                rank = line["index"] if number is None else processes[number]["rank"]
                count = 0 if number is None else steps.get(number, 0)
                found[line["pid"]] = Death(int(rank), int(line["exit_code"]), count)
    world = int(view.facts.get("world") or 1)
    if not found and over and world > 1 and any(process.get("ended") for _, process in here):
        for number, process in here:
            if not process.get("ended"):
                found[process["pid"]] = Death(process["rank"], None, steps.get(number, 0))
    if found:
        known = view.facts.get("deaths", [])
        view.facts["deaths"] = sorted([*known, *found.values()], key=_order)


def _order(death: Death) -> tuple[bool, bool, int]:
    code = death.exit_code
    return code == -SIGTERM, code is not None and code > 0, death.rank
