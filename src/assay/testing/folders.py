"""Run folders made by hand, for tests of what reads them: no torch, no process."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

STARTED = "2026-04-01T10:15:00.000+00:00"
STARTED_S = 1775038500.0


def write_run(
    folder: Path,
    lines: Iterable[Mapping[str, Any]] = (),
    *,
    pid: int = 1,
    ended: bool = True,
    **facts: Any,
) -> Path:
    """Makes a run folder.

    Args:
        folder: It; made if it is not there.
        lines: What the journal holds after its first line, each with its kind under `k`.
        pid: Of the process that wrote the journal.
        ended: Whether the run's end is on record.
        facts: More of `run.json`, or other values for what it has.
    """
    folder.mkdir(parents=True, exist_ok=True)
    account: dict[str, Any] = {
        "id": folder.name,
        "command": ["python", "train.py"],
        "cwd": str(folder),
        "started": STARTED,
    }
    if ended:
        account.update(exit_code=0, signal=None, seconds=12.5, ended=STARTED)
    (folder / "run.json").write_text(json.dumps({**account, **facts}), encoding="utf-8")
    begin = {"k": "begin", "pid": pid, "rank": 0, "world": 1, "time": STARTED_S, "t": 100.0}
    append_lines(folder, [{**begin, "torch": "2.13.0", "device": "cpu"}, *lines], pid=pid)
    return folder


def append_lines(folder: Path, lines: Iterable[Mapping[str, Any]], *, pid: int = 1) -> None:
    """Adds lines to a journal, as the process that trains would."""
    with (folder / f"journal-{pid}.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)


def optimizer_line(index: int = 0, cls: str = "SGD", **settings: Any) -> dict[str, Any]:
    """Returns the line that introduces an optimizer with one group."""
    group = {"lr": 0.1, **settings, "names": ["0.weight"], "elements": 8}
    return {"k": "optimizer", "o": index, "cls": cls, "groups": [group], "site": None}


def steps_line(first: int, losses: Iterable[Any], index: int = 0) -> dict[str, Any]:
    """Returns a block of steps at a rate of 0.1; ten steps take a second."""
    losses = list(losses)
    times = [100.0 + first / 10, 100.0 + (first + len(losses)) / 10]
    return {"k": "steps", "o": index, "first": first, "loss": losses, "t": times, "lr": [[0.1]]}


def sample_line(step: int, values: Mapping[str, Any], index: int = 0) -> dict[str, Any]:
    """Returns a sampled step: signal to place to value."""
    return {"k": "sample", "o": index, "s": step, "v": values}


def evaluation_line(
    step: int, loss: Any, accuracy: float | None = None, index: int = 0
) -> dict[str, Any]:
    """Returns an evaluation phase after a step."""
    return {"k": "evaluation", "o": index, "s": step, "fn": "cross_entropy", "loss": loss,
            "accuracy": accuracy, "n": 100}  # fmt: skip
