"""Memory of a merge of large files, barriers, and how far numbers are from those of mergekit.

    python benchmarks/merging.py memory --gigabytes 2      peak of the process that merges
    python benchmarks/merging.py barrier                   likeness against the barrier, 9 pairs
    python benchmarks/merging.py federated                 five clients, averaged by counts or not
    PYTHONPATH=... python benchmarks/merging.py mergekit   largest difference from mergekit

mergekit (LGPL) is compared with by its numbers only, from an environment of its own: it is no
dependency. Results lie in `merging.md`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import torch
from torch import nn

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from assay.demo.digits import load  # noqa: E402
from assay.fusion.worker import Worker  # noqa: E402
from assay.merging.checkpoint import Entry  # noqa: E402
from assay.merging.methods import Given, read_method  # noqa: E402
from assay.merging.units.aligning import align  # noqa: E402
from assay.merging.units.tracing import trace  # noqa: E402
from assay.merging.writing import written  # noqa: E402


def large(path: str, gigabytes: float, seed: int) -> None:
    """Writes float32 tensors of 64 MB, and one of an eighth of the file, as an embedding is."""
    whole = int(gigabytes * 2**30)
    shapes = {"embedding": (whole // 8 // 4096, 1024)}
    for i in range((whole - whole // 8) // 2**26):
        shapes[f"layers.{i}.weight"] = (4096, 4096)
    entries = {name: Entry(shape, torch.float32, name) for name, shape in shapes.items()}
    made = torch.Generator().manual_seed(seed)
    with written(path, entries, {}) as writer:
        for name, shape in shapes.items():
            writer.put(name, torch.rand(shape, generator=made) - 0.5)


def peak(pid: int) -> float:
    """Returns the largest resident size of a process until now, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise ValueError("no VmHWM")


def memory(gigabytes: float, methods: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("safetensors", "pt"):
            small, paths = [f"{folder}/s{i}.{suffix}" for i in (0, 1)], []
            for i in (0, 1):
                torch.save({"w": torch.ones(4, 4)}, small[i]) if suffix == "pt" else written_small(
                    small[i]
                )
                paths.append(f"{folder}/{i}.{suffix}")
                large(paths[-1], gigabytes, i)
            for method in methods:
                base = paths[0] if method.startswith(("ties", "dare", "task", "model")) else None
                request = {"weights": [1, 1], "output": f"{folder}/out.{suffix}", "method": method}
                with Worker() as worker:
                    worker.ask("merge", inputs=small, **request, base=base and small[0])
                    before = peak(worker.pid)
                    began = time.monotonic()
                    worker.ask("merge", inputs=paths, **request, base=base)
                    took, after = time.monotonic() - began, peak(worker.pid)
                print(
                    f"{suffix:12} {method:16} {gigabytes:g} GB each: {after - before:6.0f} MB "
                    f"above {before:.0f} MB, {took:.0f} s",
                    flush=True,
                )
            for path in paths:
                os.unlink(path)


def written_small(path: str) -> None:
    with written(path, {"w": Entry((4, 4), torch.float32, "w")}, {}) as writer:
        writer.put("w", torch.ones(4, 4))


# --- barriers ----------------------------------------------------------------------------------


def digits() -> tuple[torch.Tensor, ...]:
    images, labels = load()
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    images, labels = images[order] / 16, labels[order]
    return images[:1200], labels[:1200], images[1200:], labels[1200:]


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(width), nn.BatchNorm2d(width)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner = torch.relu(self.norms[0](self.first(x)))
        return torch.relu(x + self.norms[1](self.second(inner)))


def make(kind: str, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    if kind == "residual":
        return nn.Sequential(
            nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 32, 3, padding=1, bias=False),
            nn.BatchNorm2d(32), nn.ReLU(), Block(32), Block(32),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
        )  # fmt: skip
    layers: list[nn.Module] = []
    for before, after in ((64, 128), (128, 128)):
        norm = [nn.BatchNorm1d(after)] if kind == "norm" else []
        layers += [nn.Linear(before, after), *norm, nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(128, 10))


def train(model: nn.Module, seed: int, epochs: int) -> nn.Module:
    x, y, _, _ = digits()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    made = torch.Generator().manual_seed(seed)
    model.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(x), generator=made).split(50):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
    return model.eval()


def halfway(kind: str, one: nn.Module, other: nn.Module) -> nn.Module:
    """Returns the mean of two nets, its running statistics those of the training data."""
    mean = make(kind, 0)
    state = other.state_dict()
    mean.load_state_dict({
        name: (t + state[name]) / 2 if t.is_floating_point() else t
        for name, t in one.state_dict().items()
    })  # fmt: skip
    for module in mean.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.reset_running_stats()
            module.momentum = None
    mean.train()
    with torch.no_grad():
        for batch in digits()[0].split(50):
            mean(batch)
    return mean.eval()


def held_out(model: nn.Module) -> float:
    _, _, x, y = digits()
    with torch.no_grad():
        return float(nn.functional.cross_entropy(model(x), y))


def alike(one: nn.Module, other: nn.Module) -> float:
    pairs = [
        (p.flatten(), q.flatten())
        for p, q in zip(one.parameters(), other.parameters(), strict=True)
        if p.dim() > 1
    ]
    a, b = (torch.cat([pair[i] for pair in pairs]).detach() for i in (0, 1))
    return float(nn.functional.cosine_similarity(a, b, dim=0))


def aligned(kind: str, one: nn.Module, other: nn.Module) -> nn.Module:
    with tempfile.TemporaryDirectory() as folder:
        paths = [f"{folder}/{name}.pt" for name in ("a", "b", "out")]
        torch.save(one.state_dict(), paths[0])
        torch.save(other.state_dict(), paths[1])
        spec = trace(one, lambda: one(digits()[0][:4]))
        align({"inputs": paths[:2], "output": paths[2], "spec": spec})
        moved = make(kind, 0)
        moved.load_state_dict(torch.load(paths[2], weights_only=True))
    return moved.eval()


def barrier() -> None:
    print("net       pair                        cosine   losses          mean of both  matched")
    for kind in ("plain", "norm", "residual"):
        first = train(make(kind, 0), 0, 6)
        apart = train(make(kind, 1), 1, 6)
        order = train(make(kind, 0), 5, 6)
        tuned = [make(kind, 0), make(kind, 0)]
        for i, model in enumerate(tuned):
            model.load_state_dict(first.state_dict())
            train(model, 7 + i, 3)
        for name, one, other in (
            ("other initial weights", first, apart),
            ("other order of the data", first, order),
            ("tuned from one net", *tuned),
        ):
            mean = held_out(halfway(kind, one, other))
            matched = ""
            if name.startswith("other initial"):
                matched = f"{held_out(halfway(kind, one, aligned(kind, one, other))):.3f}"
            print(
                f"{kind:9} {name:26} {alike(one, other):7.3f}   {held_out(one):.3f}, "
                f"{held_out(other):.3f}    {mean:.3f}         {matched}",
                flush=True,
            )


# --- federated averaging -----------------------------------------------------------------------

SIZES = (840, 180, 90, 60, 30)
"""Samples of each client; the four small ones see two digits each."""


def federated(rounds: int = 20) -> None:
    x, y, held_x, held_y = digits()
    few = [((y == 2 * i) | (y == 2 * i + 1)).nonzero().flatten() for i in range(4)]
    shares = [torch.arange(SIZES[0]), *(rows[:n] for rows, n in zip(few, SIZES[1:], strict=True))]
    counts = [float(len(rows)) for rows in shares]
    print(f"clients with {', '.join(f'{n:.0f}' for n in counts)} samples, {rounds} rounds")
    for name, weights in (("by counts", counts), ("plain mean", [1.0] * len(counts))):
        model = make("plain", 0)
        for _ in range(rounds):
            start = {key: t.clone() for key, t in model.state_dict().items()}
            states = []
            for rows in shares:
                model.load_state_dict(start)
                optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
                for batch in rows[torch.randperm(len(rows))].split(30):
                    optimizer.zero_grad()
                    nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
                    optimizer.step()
                states.append({key: t.clone() for key, t in model.state_dict().items()})
            average = read_method("average")
            model.load_state_dict({
                key: average.merge(Given(key, [state[key] for state in states], weights))
                for key in start
            })  # fmt: skip
        right = float((model(held_x).argmax(1) == held_y).float().mean())
        print(f"{name:12} held-out loss {held_out(model):.3f}, accuracy {right:.1%}", flush=True)


# --- mergekit ----------------------------------------------------------------------------------


def mergekit() -> None:
    """Compares one tensor: float64, three inputs (two for slerp) and a base."""
    from importlib.metadata import version

    from mergekit.merge_methods.api import merge_tensors

    made = torch.Generator().manual_seed(0)

    def noise() -> torch.Tensor:
        return torch.randn(40, 30, generator=made, dtype=torch.float64)

    base = noise()
    shared = noise()
    inputs = [base + 0.1 * (shared + noise()) for _ in range(3)]
    print(f"mergekit {version('mergekit')}")
    for text, weights, name, parameters in (
        ("average", [0.5, 2.0, 1.0], "linear", {}),
        ("slerp,t=0.3", None, "slerp", {"t": 0.3}),
        ("task-arithmetic,scale=0.7", [0.5, 0.3, 0.2], "task_arithmetic", {"lambda": 0.7}),
        ("ties,density=0.2", [1.0, 1.0, 1.0], "ties", {"density": [0.2] * 3}),
        ("ties,density=0.5,scale=0.7", [0.5, 2.0, 1.0], "ties",
         {"density": [0.5] * 3, "lambda": 0.7}),
        ("model-stock", None, "model_stock", {}),
    ):  # fmt: skip
        own = inputs[:2] if name == "slerp" else inputs
        alone = name in ("linear", "slerp")
        if weights is not None:
            parameters = {**parameters, "weight": weights}
        theirs = merge_tensors(
            own if alone else [base, *own], name, parameters=parameters,
            base_index=None if name == "linear" else 0,
        )  # fmt: skip
        ours = read_method(text).merge(Given("w", own, weights or [1.0] * len(own), base))
        gap = float((ours - theirs).abs().max())
        print(f"{text:28} weights {weights}: largest difference {gap:.1e}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("memory", "barrier", "federated", "mergekit"))
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--methods", nargs="+", default=["average", "ties"])
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.what == "memory":
        memory(given.gigabytes, given.methods)
    elif given.what == "barrier":
        barrier()
    elif given.what == "federated":
        federated()
    else:
        mergekit()


if __name__ == "__main__":
    main()
