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


def read_deaths(path: Path, view: RunView) -> None:
    """Adds the ranks that failed, the first cause first, as `facts["deaths"]`.

    A process that was killed stands before one that raised, since ranks that wait for one that is
    gone raise too; those that torch ended by SIGTERM came last. Where nobody wrote anything down, a
    rank whose journal has no end, while those of others have one, died.
    """
    processes = view.facts.get("processes") or []
    steps: dict[int, int] = {}
    for training in view.trainings:
        steps[training.process] = max(training.steps, steps.get(training.process, 0))
    by_pid = {process["pid"]: number for number, process in enumerate(processes)}
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
    if not found and world > 1 and any(process.get("ended") for process in processes):
        for number, process in enumerate(processes):
            if not process.get("ended"):
                found[process["pid"]] = Death(process["rank"], None, steps.get(number, 0))
    if found:
        view.facts["deaths"] = sorted(found.values(), key=_order)


def _order(death: Death) -> tuple[bool, bool, int]:
    code = death.exit_code
    return code == -SIGTERM, code is not None and code > 0, death.rank
