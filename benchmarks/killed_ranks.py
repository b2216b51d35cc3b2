"""What becomes of a run of two ranks when one is killed at a random moment.

    python benchmarks/killed_ranks.py [--times 20] [--seed 0]

Each time `assay check -- torchrun --nproc-per-node 2` runs a training without an end. From 0 to 3
seconds after both ranks have begun to train one of them, drawn at random, is killed by SIGKILL. A
row says which, after how many recorded steps, how long the report took from there, whether it names
that rank and the signal, and whether a process of the run was left.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from assay.launch.leftovers import kill_leftovers

LIMIT_S = 300
TRAIN = """\
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

torch.set_num_threads(1)
dist.init_process_group("gloo")
torch.manual_seed(0)
model = DistributedDataParallel(nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4)))
optimizer = torch.optim.SGD(model.parameters(), 0.05)
draw = torch.Generator().manual_seed(dist.get_rank())
while True:
    x = torch.randn(32, 16, generator=draw)
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(x), x[:, :4].argmax(1)).backward()
    optimizer.step()
"""


def ranks_of(run: Path) -> dict[int, int]:
    """Returns the process of each rank that has begun to train, by rank."""
    found = {}
    for path in run.glob("journal-*.jsonl"):
        head = path.read_text(encoding="utf-8").partition("\n")[0]
        if head:
            line = json.loads(head)
            found[line["rank"]] = line["pid"]
    return found


def once(draw: random.Random, folder: Path) -> dict[str, object]:
    """Runs it, kills one rank, and says what came of it."""
    script = folder / "train.py"
    script.write_text(TRAIN)
    torchrun = sys.executable, "-m", "torch.distributed.run", "--standalone"
    words = [*torchrun, "--nproc-per-node", "2", str(script)]
    assay = subprocess.Popen(
        [sys.executable, "-m", "assay", "check", "--run-dir", str(folder / "runs"), "--", *words],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    run = None
    try:
        until = time.monotonic() + LIMIT_S
        while run is None or len(ranks_of(run)) < 2:
            time.sleep(0.02)
            run = next((folder / "runs").glob("*"), None) if (folder / "runs").exists() else None
            if time.monotonic() > until or assay.poll() is not None:
                raise RuntimeError("the ranks did not begin to train")
        time.sleep(draw.uniform(0.0, 3.0))
        rank = draw.choice((0, 1))
        os.kill(ranks_of(run)[rank], signal.SIGKILL)
        began = time.monotonic()
        said, _ = assay.communicate(timeout=LIMIT_S)
        took = time.monotonic() - began
    finally:
        assay.kill()
        left = kill_leftovers(run) if run is not None else []
    line = " ".join(said.split())
    return {
        "rank": rank,
        "report_s": round(took, 1),
        "named": f"rank {rank} was killed by SIGKILL" in line,
        "status": assay.returncode,
        "left": len(left),
    }


def main() -> None:
    """Prints a row for each time, and what they come to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    draw, rows = random.Random(given.seed), []
    for _ in range(given.times):
        with tempfile.TemporaryDirectory() as name:
            rows.append(once(draw, Path(name)))
        print(json.dumps(rows[-1]), flush=True)
    named, left = sum(bool(row["named"]) for row in rows), sum(row["left"] != 0 for row in rows)
    times = sorted(float(str(row["report_s"])) for row in rows)
    print(
        f"{len(rows)} times: the report named the rank {named} times and left a process {left} "
        f"times; it came after {statistics.median(times)} s, {times[-1]} s at most"
    )


if __name__ == "__main__":
    main()
