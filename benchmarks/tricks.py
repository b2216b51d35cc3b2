"""What a trick costs on the step, beside the same thing written by hand. Prints lines of JSON.

    python benchmarks/tricks.py [--pairs 61] [--block 0.1] [--only warmup clip-norm ...]

Each row trains one network twice in one process on one thread: with the trick attached (all seams
in place), and by a loop that does the same without assay (tricks_by_hand.py). Blocks of steps of
both follow each other in turn and are timed in CPU seconds; a pair is two neighbouring blocks. A
trick is attached and taken back with each block, so that the other finds torch as it was; attaching
and a few steps that build its state are not timed, and where the trick's state is new the hand's is
too. Blocks are short and pairs many, since on a shared machine neighbours in time are alike and
others are not. The ratio is that of the whole step (1 to 5 ms: forward, backward, optimizer). With
`--width 16` a step takes a tenth of that, and `extra_us_per_step` is the fixed cost, which a busy
machine hardly blurs.

`init`, `seed`, `shuffle` and `unfreeze` act once and have no row: before the first step, or when a
loader begins.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from tricks_by_hand import ROWS, Loop

SOURCE = Path(__file__).resolve().parents[1] / "src"
WARM = 40
"""Steps before a block is timed, a multiple of the window of `accumulate` as the block is.

Attaching replaces code, and Python takes some tens of calls to run new code at full speed.
"""


def measure(index: int, pairs: int, block_s: float, width: int) -> dict[str, Any]:
    """One row, in this process; by its place, since functions can't be sent to another."""
    from assay.tricks.catalogue import read
    from assay.tricks.handle import attach

    row = ROWS[index]
    gc.collect()
    gc.freeze()  # torch's own objects would be looked through again and again
    treated = Loop(width, **row.script)
    hand = Loop(width, **{**row.script, **row.by_hand})
    kept = read(row.trick)

    def timed(loop: Loop, steps: int) -> float:
        loop.run(WARM)
        start = time.process_time()
        loop.run(steps)
        return time.process_time() - start

    def by_hand() -> float:
        if row.anew or row.builds:
            hand.build()
        if not row.remembers:
            hand.kept.clear()
        return timed(hand, steps)

    def with_trick() -> float:
        trick = kept if row.remembers else read(row.trick)
        with attach([trick], [treated.model] if row.builds else [treated.model, treated.optimizer]):
            if row.builds:
                treated.build()
            return timed(treated, steps)

    hand.run(WARM)
    steps = WARM * max(2, round(block_s / timed(hand, 64) * 64 / WARM))
    with_trick(), by_hand()
    ratios, extra, plain = [], [], []
    for pair in range(pairs):
        if pair % 2:
            took, other_took = with_trick(), by_hand()
        else:
            other_took, took = by_hand(), with_trick()
        ratios.append(took / other_took)
        extra.append(1e6 * (took - other_took) / steps)
        plain.append(other_took / steps)
    ratios.sort()
    return {
        "ratio": round(statistics.median(ratios), 4),
        "quarter": round(ratios[pairs // 4], 4),
        "three_quarters": round(ratios[3 * pairs // 4], 4),
        "extra_us_per_step": round(statistics.median(extra), 1),
        "by_hand_ms_per_step": round(1e3 * statistics.median(plain), 3),
        "steps_per_block": steps,
        "pairs": pairs,
    }


def main() -> None:
    """Measures each row in a process of its own and prints a line of JSON for it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=61)
    parser.add_argument("--block", type=float, default=0.1, help="CPU seconds of a block")
    parser.add_argument("--width", type=int, default=512, help="of the network; 16 for tiny steps")
    parser.add_argument("--only", nargs="*", help="names of tricks")
    given = parser.parse_args()
    sys.path.insert(0, str(SOURCE))
    torch.set_num_threads(1)  # before the first operation: a fork must not lose threads
    print(json.dumps({"machine": platform.machine(), "python": platform.python_version()}))
    for index, row in enumerate(ROWS):
        if given.only and row.trick.partition("=")[0] not in given.only:
            continue
        with ProcessPoolExecutor(1, get_context("fork")) as process:
            done = process.submit(measure, index, given.pairs, given.block, given.width)
            print(json.dumps({"trick": row.trick, **done.result()}), flush=True)


if __name__ == "__main__":
    main()
