"""What observing costs, beside torch's own anomaly mode. Prints JSON.

    python benchmarks/overhead.py [--pairs 9] [--block 4.0] [--device cuda] [--only mlp-1ms ...]
    python benchmarks/overhead.py --only opening-resnet run-mlp-5ms --source OTHER/src

Each workload runs in one process on one thread. Blocks of steps with assay, without it (every seam
taken out) and with `torch.autograd.set_detect_anomaly` follow each other in turn, past the opening
window, and are timed in CPU seconds (on a GPU: by the clock, until the GPU has done its work). A
pair is a block with assay and a plain one, in slices that alternate, since a shared machine slows
down and speeds up within seconds; two processes would differ by more than what is measured here.
A block has to be long enough to hold samples: some seconds. `--after` puts so many watched steps
before the blocks, since samples lie ever farther apart.

Row `two-ranks-*` is a workload on two ranks, which average their gradients on gloo.

Rows `looked-at-*` tell by the length of a run what all that looks at its steps has taken up to
there, past the opening: the CPU time of the iterations that were sampled or measured, beyond the
median of all others. That is known within a tenth on a machine where blocks differ by more than
what is measured. What an unsampled step costs more (`fixed-beside-model`) is not in it.

Rows `questions-*` tell what it takes to ask the model again in one step: time, in milliseconds and
in plain steps, and by how much the process grew at most meanwhile.

Rows `opening-*` and `run-*` tell what the first 32 and the first `--steps` steps of a process take
more than they would alone. They ask nothing of assay but to begin and to end, so that `--source`
measures another version beside this one, in turn.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SOURCE = Path(os.environ.get("OVERHEAD_SOURCE", Path(__file__).resolve().parents[1] / "src"))
SLICES = 8
DEVICE = os.environ.get("OVERHEAD_DEVICE", "cpu")


# -- workloads: each returns a function that takes one training step ------------------------------


def tiny() -> Callable[[], None]:
    """One parameter: what is left is the fixed cost."""
    import torch

    weight = torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([weight], lr=1e-6)

    def step() -> None:
        optimizer.zero_grad()
        (weight * 2).sum().backward()
        optimizer.step()

    return step


def classifier(model: Any, batch: Any, classes: int, optimizer: Any) -> Callable[[], None]:
    import torch

    target = torch.randint(0, classes, (batch.shape[0],))
    if torch.distributed.is_initialized():  # the rows of two ranks
        model = torch.nn.parallel.DistributedDataParallel(model)

    def step() -> None:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(batch), target)
        loss.backward()
        optimizer.step()

    return step


def mlp(width: int, rows: int) -> Callable[[], None]:
    import torch
    from torch import nn

    model = nn.Sequential(
        nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)
    )
    return classifier(
        model, torch.randn(rows, 64), 10, torch.optim.AdamW(model.parameters(), lr=1e-4)
    )


def cnn() -> Callable[[], None]:
    import torch
    from torch import nn

    layers: list[nn.Module] = []
    for inside, outside in ((3, 16), (16, 32), (32, 32)):
        layers += [nn.Conv2d(inside, outside, 3, padding=1), nn.BatchNorm2d(outside), nn.ReLU()]
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    return classifier(model, torch.randn(16, 3, 32, 32), 10, optimizer)


def transformer(width: int, layers: int, rows: int, length: int) -> Callable[[], None]:
    import torch
    from torch import nn

    block = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout=0.1, batch_first=True)
    body = nn.TransformerEncoder(block, layers, enable_nested_tensor=False)
    model = nn.Sequential(body, nn.Flatten(), nn.Linear(width * length, 10))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    return classifier(model, torch.randn(rows, length, width), 10, optimizer)


WORKLOADS: dict[str, Callable[[], Callable[[], None]]] = {
    "mlp-1ms": lambda: mlp(256, 96),
    "mlp-5ms": lambda: mlp(512, 224),
    "cnn": cnn,
    "transformer": lambda: transformer(64, 2, 16, 32),
    "transformer-large": lambda: transformer(1024, 8, 32, 256),  # enough to keep a GPU busy
}


def resnet() -> Callable[[], None]:
    """Six residual blocks with batch norm on images of 32 x 32."""
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self, inside: int, outside: int, stride: int) -> None:
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(inside, outside, 3, stride, 1, bias=False),
                nn.BatchNorm2d(outside),
                nn.ReLU(),
                nn.Conv2d(outside, outside, 3, 1, 1, bias=False),
                nn.BatchNorm2d(outside),
            )
            self.skip = nn.Conv2d(inside, outside, 1, stride, bias=False)
            self.end = nn.ReLU()

        def forward(self, x: Any) -> Any:
            return self.end(self.body(x) + self.skip(x))

    sizes = ((16, 16, 1), (16, 16, 1), (16, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1))
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        *(Block(*size) for size in sizes),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 10),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    return classifier(model, torch.randn(32, 3, 32, 32), 10, optimizer)


def inverted_residuals() -> Callable[[], None]:
    """Depthwise convolutions with squeeze-and-excitation and SiLU, as in timm's EfficientNets."""
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            wide = 4 * width
            self.up = nn.Sequential(nn.Conv2d(width, wide, 1), nn.BatchNorm2d(wide), nn.SiLU())
            self.depthwise = nn.Sequential(
                nn.Conv2d(wide, wide, 3, padding=1, groups=wide), nn.BatchNorm2d(wide), nn.SiLU()
            )
            self.squeeze = nn.Sequential(
                nn.AdaptiveAvgPool2d(1), nn.Conv2d(wide, width, 1), nn.SiLU(),
                nn.Conv2d(width, wide, 1), nn.Sigmoid(),
            )  # fmt: skip
            self.down = nn.Sequential(nn.Conv2d(wide, width, 1), nn.BatchNorm2d(width))

        def forward(self, x: Any) -> Any:
            y = self.depthwise(self.up(x))
            return x + self.down(y * self.squeeze(y))

    model = nn.Sequential(
        nn.Conv2d(3, 24, 3, stride=2, padding=1),
        *(Block(24) for _ in range(5)),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(24, 10),
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    return classifier(model, torch.randn(16, 3, 32, 32), 10, optimizer)


def deep_cnn() -> Callable[[], None]:
    """Six convolutions with batch norm on images of 64 x 64: large activations."""
    import torch
    from torch import nn

    layers: list[nn.Module] = []
    for inside, outside in ((3, 16), (16, 16), (16, 32), (32, 32), (32, 32), (32, 32)):
        layers += [nn.Conv2d(inside, outside, 3, padding=1), nn.BatchNorm2d(outside), nn.ReLU()]
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    return classifier(model, torch.randn(16, 3, 64, 64), 10, optimizer)


OPENINGS: dict[str, Callable[[], Callable[[], None]]] = {
    "opening-mlp": lambda: mlp(128, 64),
    "opening-cnn": deep_cnn,
    "opening-resnet": resnet,
    "opening-transformer": lambda: transformer(128, 4, 16, 64),
    "opening-timm-like": inverted_residuals,
}


def language_model() -> Callable[[], None]:
    """Two layers of causal attention that are trained to predict the next of 32 words."""
    import torch
    from torch import nn

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.positions = nn.Embedding(256, 64), nn.Embedding(32, 64)
            block = nn.TransformerEncoderLayer(64, 4, 128, dropout=0.1, batch_first=True)
            self.body = nn.TransformerEncoder(block, 2, enable_nested_tensor=False)
            self.head = nn.Linear(64, 256)

        def forward(self, ids: Any) -> Any:
            mask = nn.Transformer.generate_square_subsequent_mask(ids.shape[1])
            x = self.words(ids) + self.positions.weight[: ids.shape[1]]
            return self.head(self.body(x, mask=mask, is_causal=True))

    model, ids = Model(), torch.randint(0, 256, (16, 33))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)

    def step() -> None:
        optimizer.zero_grad()
        answers = model(ids[:, :-1]).flatten(0, 1)
        torch.nn.functional.cross_entropy(answers, ids[:, 1:].flatten()).backward()
        optimizer.step()

    return step


ASKED: dict[str, Callable[[], Callable[[], None]]] = {
    "questions-mlp": lambda: mlp(256, 96),
    "questions-transformer": language_model,
    "questions-cnn": cnn,
}


# -- inside the measured process -------------------------------------------------------------------


class Arms:
    """Runs blocks of steps with assay, plain, or in anomaly mode."""

    def __init__(self, step: Callable[[], None], folder: str) -> None:
        import torch

        import assay.session as session_module
        from assay import seams

        self._torch, self._seams, self._step = torch, seams, step
        session = session_module.begin(folder)
        assert session is not None
        self.session = session

    def _clock(self) -> float:
        if DEVICE == "cpu":
            return time.process_time()
        self._torch.cuda.synchronize()
        return time.perf_counter()

    def block(self, arm: str, steps: int) -> float:
        """Seconds that so many steps take."""
        session = self.session
        if arm != "assay":
            session.watch.sampling.disarm()
            session.patches.undo()
        gc.collect()
        with self._torch.autograd.set_detect_anomaly(arm == "anomaly"):
            start = self._clock()
            for _ in range(steps):
                self._step()
            took = self._clock() - start
        if arm != "assay":
            session.patches = self._seams.install(session.hub)
        return took


def measure(name: str, pairs: int, block_s: float, after: int) -> dict[str, Any]:
    """One workload, in this process."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    with torch.device(DEVICE):
        step = WORKLOADS[name]()
    with tempfile.TemporaryDirectory() as folder:
        arms = Arms(step, folder)
        arms.block("assay", after)
        plain = arms.block("plain", 100) / 100
        steps = agreed(max(20, int(block_s / SLICES / plain)))
        rows: dict[str, list[float]] = {"plain": [], "assay": [], "anomaly": []}
        for _ in range(pairs):
            for row in rows.values():
                row.append(0.0)
            for number in range(SLICES):
                for arm in ("plain", "assay") if number % 2 else ("assay", "plain"):
                    rows[arm][-1] += arms.block(arm, steps)
            rows["anomaly"][-1] = SLICES * arms.block("anomaly", steps)
        samples = arms.session.watch.sampling.plan.taken
        arms.session.end()
    result: dict[str, Any] = {
        "plain_ms_per_step": round(1e3 * statistics.median(rows["plain"]) / steps / SLICES, 4),
        "steps_per_block": steps * SLICES,
        "pairs": pairs,
        "samples": samples,
    }
    for arm in ("assay", "anomaly"):
        ratios = sorted(a / b for a, b in zip(rows[arm], rows["plain"], strict=True))
        result[arm] = {
            "median": round(statistics.median(ratios), 4),
            "low": round(ratios[0], 4),
            "high": round(ratios[-1], 4),
        }
    return result


def agreed(steps: int) -> int:
    """The first rank's number: ranks that took other numbers of steps would wait for ever."""
    import torch

    if not torch.distributed.is_initialized():
        return steps
    number = torch.tensor(steps)
    torch.distributed.broadcast(number, 0)
    return int(number)


def one_of_two(rank: int, meeting: str, name: str, pairs: int, block_s: float, after: int) -> None:
    """One rank of a workload that DistributedDataParallel replicates; writes its row."""
    import torch.distributed as dist

    dist.init_process_group("gloo", init_method=f"file://{meeting}/m", rank=rank, world_size=2)
    row = measure(name, pairs, block_s, after)
    Path(meeting, f"{rank}.json").write_text(json.dumps(row))
    dist.barrier()
    dist.destroy_process_group()


def two_ranks(name: str, pairs: int, block_s: float, after: int) -> dict[str, Any]:
    """The same on two ranks: the row of each, in its own CPU seconds."""
    import torch.multiprocessing as mp

    with tempfile.TemporaryDirectory() as meeting:
        given = (meeting, name, pairs, block_s, after)
        mp.start_processes(one_of_two, args=given, nprocs=2, start_method="spawn")
        rows = [json.loads(Path(meeting, f"{rank}.json").read_text()) for rank in (0, 1)]
    return {f"rank {rank}": row for rank, row in enumerate(rows)}


def looked_at(build: Callable[[], Callable[[], None]], steps: int, after: int) -> dict[str, Any]:
    """What samples and measurements after the opening take, by the length of a run.

    Args:
        build: Makes the training step.
        steps: Of the whole run.
        after: Steps of the opening and a little more, which do not count.
    """
    import torch

    import assay.session as session_module

    torch.set_num_threads(1)
    torch.manual_seed(0)
    step = build()
    for _ in range(16):
        step()
    took, looked = [], set()
    with tempfile.TemporaryDirectory() as folder:
        session = session_module.begin(folder)
        assert session is not None
        budget, samples = session.watch.sampling.budget, []
        for number in range(steps):
            before, start = budget.spent_s, time.process_time()
            step()
            took.append(time.process_time() - start)
            samples.append(session.watch.sampling.plan.taken)
            if budget.spent_s > before:  # a sample is charged when the next iteration begins
                looked |= {number - 2, number - 1, number}
        session.end()
    plain = statistics.median(t for number, t in enumerate(took) if number not in looked)
    rows: dict[str, Any] = {"plain_ms_per_step": round(1e3 * plain, 3)}
    for length in (500, 1000, 2000, 5000, 10_000, 20_000, 50_000):
        if length <= steps:
            extra = sum(took[n] - plain for n in looked if after <= n < length) / plain
            rows[f"to step {length}"] = {
                "samples": samples[length - 1] - samples[after - 1],
                "extra_steps": round(extra, 1),
                "ratio": round(1 + extra / (length - after), 4),
            }
    return rows


def fixed_cost(pairs: int, name: str | None = None) -> dict[str, Any]:
    """Microseconds that an unsampled step costs more than a plain one: alone, or beside a model."""
    import torch

    torch.set_num_threads(1)
    step = tiny() if name is None else WORKLOADS[name]()
    steps, slices = (5000, pairs) if name is None else (100, 12 * pairs)
    with tempfile.TemporaryDirectory() as folder:
        arms = Arms(step, folder)
        for _ in range(100):
            step()
        arms.session.watch.sampling.plan.next = 10**12  # no more samples
        arms.block("assay", steps)
        rows = [(arms.block("assay", steps), arms.block("plain", steps)) for _ in range(slices)]
        arms.session.end()
    extra = sorted(1e6 * (a - b) / steps for a, b in rows)
    return {
        "median_us": round(statistics.median(extra), 2),
        "quarter_us": round(extra[slices // 4], 2),
        "three_quarters_us": round(extra[3 * slices // 4], 2),
        "plain_us": round(1e6 * statistics.median(b for _, b in rows) / steps, 2),
    }


def memory(steps: int) -> dict[str, Any]:
    """Resident memory over many steps of a tiny training, sampled as usual."""
    import torch

    torch.set_num_threads(1)
    step = tiny()
    page = os.sysconf("SC_PAGE_SIZE")

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * page

    sizes = {}
    with tempfile.TemporaryDirectory() as folder:
        arms = Arms(step, folder)
        for done in range(1, steps + 1):
            step()
            if done in (steps // 10, steps // 2, steps):
                gc.collect()
                sizes[done] = resident()
        arms.session.end()
        journal = sum(path.stat().st_size for path in Path(folder).iterdir())
    first, last = sizes[steps // 10], sizes[steps]
    return {
        "steps": steps,
        "growth_kib": (last - first) // 1024,
        "resident_mib": last // 2**20,
        "journal_mib": round(journal / 2**20, 2),
    }


def first_steps(build: Callable[[], Callable[[], None]], steps: int) -> dict[str, Any]:
    """What the first steps of a process take more than they would alone, in CPU seconds."""
    import torch

    import assay.session as session_module

    def run(count: int) -> float:
        start = time.process_time()
        for _ in range(count):
            step()
        return time.process_time() - start

    torch.set_num_threads(1)
    torch.manual_seed(0)
    step = build()
    run(4)
    before = run(max(16, steps // 8))
    with tempfile.TemporaryDirectory() as folder:
        session = session_module.begin(folder)
        assert session is not None
        watched = run(steps)
        session.end()
    count = max(16, steps // 8)
    plain = (before + run(count)) / (2 * count)
    return {
        "steps": steps,
        "plain_ms_per_step": round(1e3 * plain, 3),
        "extra_ms": round(1e3 * (watched - steps * plain), 1),
        "extra_steps": round(watched / plain - steps, 1),
        "ratio": round(watched / plain / steps, 4),
    }


def questions(build: Callable[[], Callable[[], None]], steps: int = 200) -> dict[str, Any]:
    """What each probe that asks the model takes, in its slowest measurement and the median one."""
    import torch

    import assay.session as session_module
    from assay.replay.measurement import Measurement

    torch.set_num_threads(1)
    torch.manual_seed(0)
    step = build()
    took: dict[str, list[tuple[float, int]]] = {}
    plainly = Measurement._measure

    def measured(probe: Any, put: Any) -> bool:
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before, start = _memory("VmRSS"), time.process_time()
        done = plainly(probe, put)
        seconds = time.process_time() - start
        took.setdefault(probe.name, []).append((seconds, _memory("VmHWM") - before))
        return done

    for _ in range(4):
        step()
    start = time.process_time()
    for _ in range(32):
        step()
    plain = (time.process_time() - start) / 32
    with tempfile.TemporaryDirectory() as folder:
        session = session_module.begin(folder)
        assert session is not None
        Measurement._measure = measured  # type: ignore[method-assign]
        for _ in range(steps):
            step()
        session.end()
    rows: dict[str, Any] = {"steps": steps, "plain_ms_per_step": round(1e3 * plain, 3)}
    for name, each in took.items():
        seconds = statistics.median(one for one, _ in each)
        rows[name] = {
            "times": len(each),
            "median_ms": round(1e3 * seconds, 2),
            "in_steps": round(seconds / plain, 2),
            "slowest_ms": round(1e3 * max(one for one, _ in each), 2),
            "grew_kib": max(size for _, size in each),
        }
    total = sum(one for each in took.values() for one, _ in each)
    rows["all"] = {"ms": round(1e3 * total, 1), "of_run": round(total / plain / steps, 4)}
    return rows


def _memory(what: str) -> int:
    """Returns a line of this process's status, in KiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(what)).split()[1])


def without_steps(passes: int) -> dict[str, Any]:
    """Backward passes that no step follows, as for Fisher information: plain, then watched."""
    import torch

    torch.set_num_threads(1)
    page = os.sysconf("SC_PAGE_SIZE")
    model = torch.nn.Sequential(torch.nn.Linear(4, 2), torch.nn.ReLU(), torch.nn.Linear(2, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    x, y = torch.randn(16, 4), torch.randint(0, 4, (16,))

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * page

    def loop(count: int) -> float:
        start = time.process_time()
        for _ in range(count):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x), y).backward()
        return time.process_time() - start

    loop(500)
    plain = loop(passes)
    with tempfile.TemporaryDirectory() as folder:
        import assay.session as session_module

        session = session_module.begin(folder)
        assert session is not None
        first, before = loop(100), resident()
        watched = loop(passes)
        growth = resident() - before
        optimizer.step()
        session.end()
    return {
        "passes": passes,
        "plain_us": round(1e6 * plain / passes, 1),
        "watched_us": round(1e6 * watched / passes, 1),
        "first_100_ms": round(1e3 * first, 1),
        "growth_kib": growth // 1024,
    }


def start_up(pairs: int) -> dict[str, Any]:
    """Milliseconds of CPU that a process which imports torch needs more to start.

    Two parts that are each measured beside little else, since importing torch takes a second and
    differs by a tenth of one: a Python that does nothing, with the bootstrap and without; and our
    modules and seams, loaded into a Python that has torch already.
    """
    import resource

    from assay.launch.environment import child_environment

    def cpu(words: list[str], env: dict[str, str]) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *words], env=env, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)

    unwanted = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")  # modules are compiled once, as usual
    plain_env = {k: v for k, v in os.environ.items() if k not in unwanted}
    idle = ["-c", "pass"]
    load = (
        "import sys, time, torch; sys.path.insert(0, sys.argv[1]); start = time.process_time();"
        "import assay.session; assay.session.begin(sys.argv[2]);"
        "print(time.process_time() - start)"
    )
    with tempfile.TemporaryDirectory() as folder:
        watched_env = child_environment(Path(folder), plain_env)
        cpu(idle, plain_env), cpu(idle, watched_env)
        boot = sorted(1e3 * (cpu(idle, watched_env) - cpu(idle, plain_env)) for _ in range(pairs))
        words = [sys.executable, "-c", load, str(SOURCE), folder]

        def loading() -> float:
            done = subprocess.run(
                words, env=plain_env, check=True, stdout=subprocess.PIPE, text=True
            )
            return 1e3 * float(done.stdout)

        loading()
        loads = sorted(loading() for _ in range(pairs))
    return {
        "median_ms": round(statistics.median(boot) + statistics.median(loads), 1),
        "bootstrap_ms": round(statistics.median(boot), 1),
        "loading_ms": [round(loads[0], 1), round(statistics.median(loads), 1), round(loads[-1], 1)],
    }


# -- the command -----------------------------------------------------------------------------------


def main() -> None:
    """Runs each measurement in a process of its own and prints one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--block", type=float, default=4.0, help="CPU seconds of a block")
    parser.add_argument("--after", type=int, default=260, help="watched steps before the blocks")
    parser.add_argument("--steps", type=int, default=3000, help="of the rows run-* and looked-at-*")
    parser.add_argument("--source", type=Path, help="src of another version, measured in turn")
    parser.add_argument("--memory-steps", type=int, default=100_000)
    parser.add_argument("--device", default=DEVICE, help="cpu or cuda")
    parser.add_argument("--only", nargs="*", help="workloads, fixed, fixed-beside-model, ...")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    given = parser.parse_args()
    sys.path.insert(0, str(SOURCE))
    actions: dict[str, Callable[[], dict[str, Any]]] = {
        **{
            name: lambda n=name: measure(n, given.pairs, given.block, given.after)
            for name in WORKLOADS
        },  # type: ignore[misc]
        "two-ranks-mlp-5ms": lambda: two_ranks("mlp-5ms", given.pairs, given.block, given.after),
        "fixed": lambda: fixed_cost(given.pairs),
        "fixed-beside-model": lambda: fixed_cost(given.pairs, "mlp-1ms"),
        "memory": lambda: memory(given.memory_steps),
        **{name: lambda n=name: first_steps(OPENINGS[n], 32) for name in OPENINGS},  # type: ignore[misc]
        **{
            f"run-{name}": lambda n=name: first_steps(WORKLOADS[n], given.steps)
            for name in WORKLOADS
        },  # type: ignore[misc]
        **{
            f"looked-at-{name}": lambda n=name: looked_at(WORKLOADS[n], given.steps, given.after)
            for name in ("mlp-1ms", "mlp-5ms")
        },  # type: ignore[misc]
        **{name: lambda n=name: questions(ASKED[n]) for name in ASKED},  # type: ignore[misc]
        "without-steps": lambda: without_steps(6000),
        "start-up": lambda: start_up(given.pairs),
    }
    if given.inside:
        print(json.dumps(actions[given.inside]()))
        return
    results: dict[str, Any] = {"machine": platform.platform(), "python": platform.python_version()}
    usual = [name for name in actions if given.device != "cpu" or name != "transformer-large"]

    def inside(name: str, source: Path) -> dict[str, Any]:
        words = [sys.executable, __file__, "--inside", name, "--pairs", str(given.pairs)]
        words += ["--block", str(given.block), "--memory-steps", str(given.memory_steps)]
        words += ["--after", str(given.after), "--steps", str(given.steps)]
        env = {**os.environ, "OVERHEAD_DEVICE": given.device, "OVERHEAD_SOURCE": str(source)}
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True, env=env)
        return dict(json.loads(done.stdout))

    for name in given.only or usual:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        if given.source is None:
            results[name] = inside(name, SOURCE)
            continue
        rows = [
            (inside(name, SOURCE), inside(name, given.source.resolve())) for _ in range(given.pairs)
        ]
        for label, column in (("this", 0), ("other", 1)):
            by_cost = sorted((row[column] for row in rows), key=lambda row: row["extra_ms"])
            results[f"{name}, {label}"] = by_cost[len(by_cost) // 2]
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
