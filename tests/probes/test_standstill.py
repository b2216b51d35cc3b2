"""A process that takes no step for long writes where it stands, and takes it back."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assay.cli.standing import TOLD_S, Teller
from assay.journal.standing import read_standing
from assay.probes.distributed.standstill import GAPS, SETTLED_S, STILL_S, Standstill


@pytest.fixture
def probe(tmp_path: Path) -> Any:
    """A probe whose own thread has ended: it is asked to look by hand, at invented times."""
    watch = SimpleNamespace(folder=str(tmp_path), iteration=0, trainings=[], serve=lambda _: None)
    made = Standstill(watch)
    made.on_group_begin(1, 2)
    threads = threading.active_count()
    made._end.release()
    while not made._end.locked():  # the thread takes it, and is gone
        time.sleep(0.01)
    assert threading.active_count() == threads, "our thread is none of `threading`'s"
    made._since = 0.0
    return made


def step(probe: Standstill, number: int, at: float) -> None:
    probe.watch.iteration, probe.watch.trainings = number, [SimpleNamespace(step=number)]
    probe._look(at)


def looks(probe: Standstill, *times: float) -> None:
    for at in times:
        probe._look(at)


def test_after_so_long_it_is_written_and_taken_back(probe: Standstill, tmp_path: Path) -> None:
    looks(probe, 1.0)
    looks(probe, STILL_S - 0.1)
    looks(probe, STILL_S)
    assert read_standing(tmp_path) == [], "it stands at another line: it is looked at once more"
    looks(probe, STILL_S + SETTLED_S)
    (event,) = read_standing(tmp_path)
    assert (event.data["rank"], event.data["world"]) == (1, 2)
    assert event.data["still_s"] == STILL_S + SETTLED_S
    assert event.site is not None
    assert event.site.file == __file__
    assert not event.data["fixed"], "it has stood here for no time"
    step(probe, 1, 2 * STILL_S)
    assert read_standing(tmp_path) == []


def test_a_pause_that_ended_makes_the_next_one_usual(probe: Standstill, tmp_path: Path) -> None:
    step(probe, 1, 1.0)
    step(probe, 2, 11.0)
    assert read_standing(tmp_path) == []
    looks(probe, *(11.0 + GAPS * second for second in range(1, 10)))
    assert read_standing(tmp_path) == []
    looks(probe, 11.0 + GAPS * 10, 11.0 + GAPS * 11)
    (event,) = read_standing(tmp_path)
    assert event.step == 2


def test_a_stack_that_stays_is_fixed(probe: Standstill, tmp_path: Path) -> None:
    looks(probe, *(second / 2 for second in range(1, 20)))
    (event,) = read_standing(tmp_path)
    assert event.data["still_s"] == STILL_S
    assert event.data["fixed"]


def test_an_end_leaves_what_has_not_moved(probe: Standstill, tmp_path: Path) -> None:
    looks(probe, 1.0, STILL_S)
    probe.finish()
    assert len(read_standing(tmp_path)) == 1


def test_alone_nobody_looks(tmp_path: Path) -> None:
    watch = SimpleNamespace(folder=str(tmp_path), iteration=0, trainings=[], serve=lambda _: None)
    probe = Standstill(watch)
    probe.on_group_begin(0, 1)
    assert not probe._pid
    probe.on_group_begin(None, None)
    assert probe._pid
    probe.on_process_group(0, 1, "gloo")
    assert not probe._pid
    probe.finish()


def write(folder: Path, rank: int, still: float, call: str) -> None:
    line = {
        "pid": rank, "rank": rank, "world": 2, "step": 7, "still_s": still,
        "stack": [["/home/me/train.py", 41, "train"]], "call": call, "kind": "", "fixed": True,
    }  # fmt: skip
    (folder / f"standing-{rank}.json").write_text(json.dumps(line))


def test_it_is_told_once_for_each_doubling(tmp_path: Path) -> None:
    teller = Teller(tmp_path)
    write(tmp_path, 0, TOLD_S / 2, "barrier")
    assert [teller.due(), teller.due()] == [None, None]
    write(tmp_path, 0, TOLD_S, "barrier")
    assert teller.due() is None
    write(tmp_path, 1, TOLD_S, "")
    assert teller.due() == (
        "no step for 20 s: rank 0 in barrier() (train.py:41) after 7 steps, rank 1 at train.py:41 "
        "after 7 steps"
    )
    assert teller.due() is None
    write(tmp_path, 0, 2 * TOLD_S, "barrier")
    assert [teller.due() is None, teller.due() is None, teller.due()] == [True, False, None]
    (tmp_path / "standing-0.json").write_text("{torn")
    (tmp_path / "standing-1.json").unlink()
    assert teller.due() is None
