"""What a trick costs on the step, beside the same thing written by hand. Prints JSON.

    python benchmarks/tricks.py [--pairs 61] [--block 0.1] [--only warmup clip-norm ...]

Each row trains one network twice in one process on one thread: with the trick attached (all seams
in place), and by a loop that does the same without assay. Blocks of steps of both follow each other
in turn and are timed in CPU seconds; a pair is two neighbouring blocks. Blocks are short and pairs
many, since on a shared machine neighbours in time are alike and others are not. The ratio is that
of the whole step (3 to 5 ms: forward, backward, optimizer). With `--width 16` a step takes a tenth
of that, and `extra_us_per_step` is the fixed cost, which a busy machine hardly blurs.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().parents[1] / "src"

Act = Callable[["Loop"], None]


def sgd(parameters: Any) -> Any:
    import torch

    return torch.optim.SGD(parameters, lr=1e-3, momentum=0.9)


def adamw(parameters: Any) -> Any:
    import torch

    return torch.optim.AdamW(parameters, lr=1e-4)


class Loop:
    """A plain training loop with two places where a hand-written trick stands."""

    def __init__(
        self, make: Callable[[Any], Any], before: Act | None, after: Act | None, width: int
    ) -> None:
        import torch
        from torch import nn

        torch.manual_seed(0)
        self.model = nn.Sequential(
            nn.Linear(64, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, 10),
        )
        self.x, self.y = torch.randn(width // 4, 64), torch.randint(0, 10, (width // 4,))
        self.optimizer = make(self.model.parameters())
        self.before, self.after, self.t = before, after, 0

    def run(self, steps: int) -> float:
        """CPU seconds of so many steps."""
        from torch.nn import functional

        optimizer, before, after = self.optimizer, self.before, self.after
        start = time.process_time()
        for _ in range(steps):
            optimizer.zero_grad()
            functional.cross_entropy(self.model(self.x), self.y).backward()
            if before is not None:
                before(self)
            optimizer.step()
            if after is not None:
                after(self)
            self.t += 1
        return time.process_time() - start


@dataclass(frozen=True)
class Row:
    """A trick, what the script has, and how a person would write it."""

    trick: str
    script: Callable[[Any], Any] = sgd
    hand: Callable[[Any], Any] | None = None
    before: Act | None = None
    after: Act | None = None
    stays: bool = (
        False  # attached throughout: state made anew for each block would be what is timed
    )


# -- by hand ---------------------------------------------------------------------------------------


def rate(factor: Callable[[int], float]) -> Act:
    def before(loop: Loop) -> None:
        for group in loop.optimizer.param_groups:
            group["lr"] = 1e-3 * factor(loop.t)

    return before


def clip_norm(loop: Loop) -> None:
    import torch

    torch.nn.utils.clip_grad_norm_(loop.model.parameters(), 0.1)


def other(name: str, **settings: Any) -> Callable[[Any], Any]:
    def make(parameters: Any) -> Any:
        import torch

        return getattr(torch.optim, name)(parameters, **settings)

    return make


def decayed(parameters: Any) -> Any:
    import torch

    held = list(parameters)
    groups = [
        {"params": [p for p in held if p.dim() > 1], "weight_decay": 0.1},
        {"params": [p for p in held if p.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=1e-4)


def layered(parameters: Any) -> Any:
    import torch

    held = list(parameters)
    groups = [{"params": held[2 * i : 2 * i + 2], "lr": 1e-4 * 0.5 ** (2 - i)} for i in range(3)]
    return torch.optim.AdamW(groups)


def schedule_free(parameters: Any) -> Any:
    import schedulefree

    optimizer = schedulefree.AdamWScheduleFree(parameters, lr=1e-6)
    optimizer.train()
    return optimizer


ROWS: tuple[Row, ...] = (
    Row("lr=0.0005", before=rate(lambda t: 0.5)),
    Row("warmup=1000", before=rate(lambda t: min(1.0, (t + 1) / 1000))),
    Row("schedule=cosine,total=100000",
        before=rate(lambda t: (1 + math.cos(math.pi * t / 100_000)) / 2)),
    Row("optimizer=adamw,lr=1e-6", hand=other("AdamW", lr=1e-6), stays=True),
    Row("optimizer=schedule-free-adamw,lr=1e-6", hand=schedule_free, stays=True),
    Row("betas=0.8", adamw, other("AdamW", lr=1e-4, betas=(0.8, 0.999))),
    Row("eps=1e-6", adamw, other("AdamW", lr=1e-4, eps=1e-6)),
    Row("momentum=0.5", hand=other("SGD", lr=1e-3, momentum=0.5)),
    Row("weight-decay=0.1", adamw, decayed),
    Row("layer-decay=0.5", adamw, layered),
    Row("scale-lr-with-batch=64", before=rate(lambda t: 2.0)),
    Row("clip-norm=0.1", before=clip_norm),
)  # fmt: skip


def measure(row: Row, pairs: int, block_s: float, width: int) -> dict[str, Any]:
    """One row, in this process."""
    import torch

    from assay.tricks.catalogue import read
    from assay.tricks.handle import attach

    torch.set_num_threads(1)
    gc.collect()
    gc.freeze()  # torch's own objects would be looked through again and again
    treated = Loop(row.script, None, None, width)
    hand = Loop(row.hand or row.script, row.before, row.after, width)
    steps = max(10, int(block_s / (hand.run(60) / 60)))

    stays = attach([read(row.trick)], (treated.model, treated.optimizer)) if row.stays else None

    def with_trick() -> float:
        if stays is not None:
            treated.run(5)
            return treated.run(steps)
        with attach([read(row.trick)], (treated.model, treated.optimizer)):
            treated.run(5)
            return treated.run(steps)

    def by_hand() -> float:
        hand.run(5)
        return hand.run(steps)

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
    """Measures each row in a process of its own and prints one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=61)
    parser.add_argument("--block", type=float, default=0.1, help="CPU seconds of a block")
    parser.add_argument("--width", type=int, default=512, help="of the network; 16 for tiny steps")
    parser.add_argument("--only", nargs="*", help="names of tricks")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    given = parser.parse_args()
    sys.path.insert(0, str(SOURCE))
    if given.inside:
        row = next(row for row in ROWS if row.trick == given.inside)
        print(json.dumps(measure(row, given.pairs, given.block, given.width)))
        return
    results: dict[str, Any] = {"machine": platform.platform(), "python": platform.python_version()}
    for row in ROWS:
        if given.only and row.trick.partition("=")[0] not in given.only:
            continue
        words = [sys.executable, __file__, "--inside", row.trick, "--pairs", str(given.pairs)]
        words += ["--block", str(given.block), "--width", str(given.width)]
        print(f"measuring {row.trick} ...", file=sys.stderr, flush=True)
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
        results[row.trick] = json.loads(done.stdout)
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
