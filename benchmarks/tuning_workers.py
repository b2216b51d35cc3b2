"""Is a point of a search lost, or told twice, when its workers are killed at random?

    PYTHONPATH=src python benchmarks/tuning_workers.py [--points 200] [--workers 4] [--seed 0]

Workers are processes that ask a study for points as `assay tune --worker` does, run each as a
process of its own for 0.3 s, and tell a number. One of them, drawn at random, is killed
(SIGKILL) after a random time below a second, and another begins in its place, until all points
are told. Each run writes the number of its trial into a ledger as the last thing that it does.

A point is told once, whoever dies. On Linux a run ends with its worker, so it can be made anew; it
comes to its end twice only where a worker is killed between that end and the telling of it.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import random
import signal
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from assay.launch.processes import began, start_tied
from assay.tuning.space import read_space
from assay.tuning.study import Study

SPACE = read_space(["arg:--x=0.0:1.0", "arg:--y=0.0:1.0"])
RUN_S = 0.3
MOST_S = 1.0
"""Of the time until the next is killed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it.

    Attributes:
        told: How many points have an answer, by their trial's number.
        lost: Points that began and have none.
        wrong: Points whose answer is not that of their own values, or came before their run's end.
        ended: How often the run of each trial came to its end.
        killed: Workers that were killed.
    """

    told: int
    lost: int
    wrong: int
    ended: Counter[int]
    killed: int
    seconds: float


def answer(x: float, y: float) -> float:
    return (x - 0.3) ** 2 + y


def work(folder: Path, points: int, run: float) -> None:
    """Works as a worker does: asks, runs, tells, until all has been told."""
    study = Study(folder, SPACE, "random", 0, points)
    while True:
        asked = study.ask_within(points)
        if asked is None:
            if not study.busy():
                return
            time.sleep(0.02)
            continue
        number, point = asked
        line = f"sleep {run}; echo {number} >> {folder / 'ledger'}"
        process = start_tied(["sh", "-c", line], start_new_session=True)
        study.runs_in(number, process.pid, began(process.pid))
        process.wait()
        study.tell(number, answer(*map(float, point.values())))


def prove(
    folder: Path, points: int, workers: int, kills: int | None, seed: int, run: float = RUN_S
) -> Outcome:
    """Runs a study whose workers are killed.

    Args:
        folder: Of the study.
        points, workers: How many.
        kills: At most so many; None: until the end.
        seed: Of who is killed, and when.
        run: Seconds that each run takes.
    """
    chance, began_at = random.Random(seed), time.monotonic()
    fork = multiprocessing.get_context("fork")
    alive = [fork.Process(target=work, args=(folder, points, run)) for _ in range(workers)]
    for process in alive:
        process.start()
    killed = 0
    while any(process.is_alive() for process in alive):
        time.sleep(chance.random() * MOST_S)
        if kills is not None and killed >= kills:
            continue
        place = chance.randrange(workers)
        victim = alive[place]
        if victim.is_alive() and victim.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim.pid, signal.SIGKILL)
            victim.join()
            killed += 1
            alive[place] = fork.Process(target=work, args=(folder, points, run))
            alive[place].start()
    tried = Study(folder, SPACE, "random", 0, points).tried()
    done = [t for t in tried if t.value is not None]
    wrong = sum(t.value != answer(*map(float, t.point.values())) for t in done)
    ledger = folder / "ledger"
    ended = Counter(map(int, ledger.read_text().split()) if ledger.exists() else ())
    missing = {t.number for t in done} - set(ended)
    return Outcome(len(done), len(tried) - len(done), wrong + len(missing), ended, killed,
                   time.monotonic() - began_at)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=200)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = prove(Path(folder), given.points, given.workers, None, given.seed)
    twice = sum(number > 1 for number in found.ended.values())
    print(f"{found.told} of {given.points} points told, {found.lost} lost, {found.wrong} wrong")
    print(f"{found.killed} workers killed; the runs of {twice} points came to their end twice")
    print(f"{found.seconds:.0f} s")


if __name__ == "__main__":
    main()
