"""What a trick costs on the step, beside the same thing written by hand. Prints lines of JSON.

    python benchmarks/tricks.py [--pairs 60] [--processes 6] [--only warmup ...] >> costs.jsonl
    python benchmarks/tricks.py --table costs.jsonl

Each row trains one network in two processes, on one thread and one core: one has the trick attached
(all seams in place), the other does the same by hand, without assay (tricks_by_hand.py). They take
turns of a few steps, since what neighbours do to a machine changes within a tenth of a second; time
is each process's own CPU time. What a process has by chance, such as where its memory lies, is
averaged out by several pairs of processes. The ratio is the median over these of the medians over
pairs of turns, between the bounds of a 95 % interval (order statistics, no assumption; lowest and
highest, if there are fewer than six). It is that of the whole step: forward, backward, optimizer.
With `--width 16` a step takes 0.15 to 0.8 ms, and `extra_us_per_step` is the fixed cost.

`--operations` instead lists the operations of torch (per step) that only one of the two runs, and
counts the calls of Python functions that the trick makes more. It is the same on every machine.

`--table` prints the page's table of what several such runs have printed.

`init`, `seed`, `shuffle` and `unfreeze` act once and have no row: before the first step, or when a
loader begins.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import ctypes
import gc
import json
import math
import os
import platform
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from tricks_by_hand import ROWS, Loop, Row

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h
SOURCE = Path(__file__).resolve().parents[1] / "src"
TURN = 4
"""Steps of a turn: a window of `accumulate`. Rarer things, such as evaluations, are in the same
turns of both, and leave the median alone."""
WARM = 40
"""Steps before the first turn. Python takes some tens of calls to run new code at full speed."""
COUNTED = 20
"""Steps in which operations and calls are counted."""


def keep_memory() -> None:
    """Has the C library keep what is freed; else page faults are a third of a step, at random."""
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        for parameter in (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD):
            library.mallopt(parameter, 2**31 - 1)


@contextlib.contextmanager
def training(row: Row, with_trick: bool, width: int) -> Iterator[Loop]:
    """The row's loop, with the trick on it or written into it."""
    from assay.tricks.handle import attach
    from assay.tricks.reading import read

    if not with_trick:
        yield Loop(width, **{**row.script, **row.by_hand})
        return
    loop = Loop(width, **row.script)
    meant = [loop.model] if row.builds else [loop.model, loop.optimizer]
    with attach([read(row.trick)], meant):
        if row.builds:
            loop.build()
        yield loop


def take_turns(index: int, with_trick: bool, width: int, pipe: Connection) -> None:
    """Answers each message by a turn and the CPU seconds a step that it took, until it is None."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    keep_memory()
    with training(ROWS[index], with_trick, width) as loop:
        loop.run(WARM)
        gc.collect()
        gc.freeze()  # torch's own objects would be looked through again and again
        while pipe.recv() is not None:
            start = time.process_time()
            loop.run(TURN)
            pipe.send((time.process_time() - start) / TURN)


def measure(index: int, pairs: int, width: int) -> tuple[float, float, float]:
    """One pair of processes: medians of the ratio, the extra seconds, the seconds by hand."""
    context = get_context("fork")
    pipes: list[Connection] = []
    processes = []
    for with_trick in (False, True):
        here, there = context.Pipe()
        arguments = index, with_trick, width, there
        processes.append(context.Process(target=take_turns, args=arguments, daemon=True))
        processes[-1].start()
        pipes.append(here)

    def turn(with_trick: bool) -> float:
        pipes[with_trick].send("go on")
        return float(pipes[with_trick].recv())

    turn(False), turn(True)
    took = []
    for pair in range(pairs):
        first = pair % 2 == 1
        seconds = {arm: turn(arm) for arm in (first, not first)}
        took.append((seconds[True], seconds[False]))
    for pipe, process in zip(pipes, processes, strict=True):
        pipe.send(None)
        process.join()
    middle = statistics.median
    return (
        middle(a / b for a, b in took),
        middle(a - b for a, b in took),
        middle(b for _, b in took),
    )


def cost(index: int, pairs: int, width: int, processes: int) -> dict[str, Any]:
    """A row's figures over several pairs of processes."""
    with training(ROWS[index], with_trick=True, width=16):
        pass  # what it imports, all processes inherit
    measured = [measure(index, pairs, width) for _ in range(processes)]
    ratios, extra, plain = zip(*measured, strict=True)
    low, high = interval(ratios)
    return {
        "width": width,
        "ratio": round(statistics.median(ratios), 4),
        "low": round(low, 4),
        "high": round(high, 4),
        "extra_us_per_step": round(1e6 * statistics.median(extra), 1),
        "by_hand_ms_per_step": round(1e3 * statistics.median(plain), 3),
    }


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Bounds of a 95 % interval for the median; the lowest and the highest of fewer than six."""
    n, ordered = len(values), sorted(values)
    outside, cut = 1 / 2**n, 0  # the chance that all values lie on one side of the median
    while outside + math.comb(n, cut + 1) / 2**n <= 0.025:
        cut += 1
        outside += math.comb(n, cut) / 2**n
    return ordered[cut], ordered[-1 - cut]


def operations(index: int, width: int) -> dict[str, Any]:
    """What torch does per step: how much by hand, and what the trick does more or less."""
    counts = []
    for with_trick in (False, True):
        with training(ROWS[index], with_trick, width) as loop:
            loop.run(WARM)
            with profile(activities=[ProfilerActivity.CPU]) as seen:
                loop.run(COUNTED)
        names = (event.name for event in seen.events())
        counts.append(collections.Counter(name for name in names if name.startswith("aten::")))
    by_hand, treated = counts
    more = {
        name: (treated[name] - by_hand[name]) / COUNTED
        for name in sorted(by_hand | treated)
        if treated[name] != by_hand[name]
    }
    calls = python_calls(index, with_trick=True) - python_calls(index, with_trick=False)
    return {"operations_by_hand": by_hand.total() / COUNTED, "more": more, "more_calls": calls}


def python_calls(index: int, *, with_trick: bool) -> float:
    """Python functions called per step."""
    called = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal called
        called += event == "call"

    with training(ROWS[index], with_trick, 16) as loop:
        loop.run(WARM)
        sys.setprofile(count)
        try:
            loop.run(COUNTED)
        finally:
            sys.setprofile(None)
    return called / COUNTED


def table(path: Path) -> None:
    """One line a trick: at each width the ratio and, at 16, what it costs instead; its calls."""
    found: dict[str, dict[int, dict[str, Any]]] = {}
    calls: dict[str, float] = {}
    for line in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
        if "ratio" in line:
            found.setdefault(line["trick"], {})[line["width"]] = line
        elif "more_calls" in line:
            calls[line["trick"]] = line["more_calls"]
    widths = sorted({width for known in found.values() for width in known} - {16}, reverse=True)
    head = [f"by hand, ms ({width}) | ratio ({width})" for width in widths]
    print("| trick |", " | ".join(head), "| more us (16) | more calls |")
    print("|---" * (2 * len(widths) + 3) + "|")
    for trick, known in found.items():
        cells = [f"`{trick}`"]
        for width in widths:
            one = known.get(width)
            if one is None:
                cells += ["", ""]
                continue
            middle, low, high = (one[key] for key in ("ratio", "low", "high"))
            ratio = f"{middle:.3f} ({low:.3f} to {high:.3f})"
            cells += [f"{one['by_hand_ms_per_step']:.1f}", ratio]
        cells.append(f"{known[16]['extra_us_per_step']:.0f}" if 16 in known else "")
        cells.append(f"{calls[trick]:.0f}" if trick in calls else "")
        print("|", " | ".join(cells), "|")


def main() -> None:
    """Measures each row and prints a line of JSON for it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=60, help="of turns, per pair of processes")
    parser.add_argument("--processes", type=int, default=6, help="pairs of processes per row")
    parser.add_argument("--width", type=int, default=640, help="of the network; 16 for tiny steps")
    parser.add_argument("--operations", action="store_true", help="count instead of timing")
    parser.add_argument("--only", nargs="*", help="names of tricks")
    parser.add_argument("--table", type=Path, help="a file of such lines, to be printed as a table")
    given = parser.parse_args()
    if given.table:
        table(given.table)
        return
    sys.path.insert(0, str(SOURCE))
    torch.set_num_threads(1)  # before the first operation: a fork must not lose threads
    print(json.dumps({"machine": platform.machine(), "python": platform.python_version()}))
    for index, row in enumerate(ROWS):
        if given.only and row.trick.partition("=")[0] not in given.only:
            continue
        if given.operations:
            figures = operations(index, given.width)
        else:
            figures = cost(index, given.pairs, given.width, given.processes)
        print(json.dumps({"trick": row.trick, **figures}), flush=True)


if __name__ == "__main__":
    main()
