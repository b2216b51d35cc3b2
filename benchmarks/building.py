"""What it costs to know the line that built each module, in models of 10,000 modules.

python benchmarks/building.py            prints seconds to build, plain and watched, in pairs

CPU time of this process, torch on one thread; the least of five pairs each.
"""

from __future__ import annotations

import sys
import tempfile
import tracemalloc
from time import process_time

import torch
from torch import nn

from assay import seams
from assay.journal.writer import Journal
from assay.probes.model.structure import Structure
from assay.watching.watch import Watch

MODULES = 10_000
PAIRS = 5


class Block(nn.Module):
    """Five modules: itself, two layers, a norm and a container."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.Dropout(0.1))


def blocks() -> nn.Module:
    return nn.ModuleList(Block() for _ in range(MODULES // 5))


def layers() -> nn.Module:
    """What torch's own containers build and copy: 11 modules a layer."""
    layer = nn.TransformerEncoderLayer(8, 2, 8, batch_first=True)
    return nn.TransformerEncoder(layer, MODULES // 11, enable_nested_tensor=False)


def empty() -> nn.Module:
    """The worst case: modules in which there is nothing to build."""
    return nn.ModuleList(nn.Identity() for _ in range(MODULES))


def once(build, *, watched: bool) -> tuple[float, float, int]:
    """CPU seconds to build, CPU seconds to write the model down, and modules."""
    with tempfile.TemporaryDirectory() as folder:
        hub = seams.Hub()
        journal = Journal(folder)
        watch = Watch(hub, journal, {})
        patches = seams.install(hub)
        try:
            if watched:
                watch.attach([Structure])
            start = process_time()
            model = build()
            built = process_time() - start
            start = process_time()
            if watched:
                watch.facts.names.add_root(model)
                hub.emit("root_found", model)
            return built, process_time() - start, sum(1 for _ in model.modules())
        finally:
            patches.undo()
            journal.close()


def main() -> None:
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, Python {sys.version.split()[0]}\n")
    print("| model | modules | plain | watched | a module | written down in | memory a module |")
    print("|---|---|---|---|---|---|---|")
    for build in (blocks, layers, empty):
        pairs = [(once(build, watched=False), once(build, watched=True)) for _ in range(PAIRS)]
        plain, watched = min(a[0] for a, _ in pairs), min(b[0] for _, b in pairs)
        written, modules = min(b[1] for _, b in pairs), pairs[0][1][2]
        tracemalloc.start()
        print(
            f"| {build.__name__} | {modules:,} | {plain * 1e3:.0f} ms | {watched * 1e3:.0f} ms | "
            f"{(watched - plain) / modules * 1e6:+.1f} µs | {written * 1e3:.0f} ms | "
            f"{held(build) / modules:.0f} B |"
        )
        tracemalloc.stop()


def held(build) -> int:
    """Bytes that the remembered lines take."""
    from assay.watching.build_sites import BuildSites

    model, sites = build(), BuildSites()
    before = tracemalloc.get_traced_memory()[0]
    for module in model.modules():
        sites.note(module)
    return tracemalloc.get_traced_memory()[0] - before


if __name__ == "__main__":
    main()
