"""What watching costs per step, past the first hundred: each tool beside the script alone.

Three workloads train on random data and print the CPU milliseconds of a step. A pair is one run alone
and one with the tool, straight after each other; the cost is the median of the pairs' ratios. What a
tool does before and after training is in the table's column *CPU time*, not here.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from .adapters.base import Adapter
from .catalogue import HERE
from .running import PLAIN, adapter, bounded, environment

WORKLOADS = ("mlp", "transformer", "cnn")
LEFT_OUT = {
    "assay-fix": "it runs the script many times over",
    "lightning": "the workloads have no Lightning Trainer",
}
PAIRS = 3


def measure(tools: Sequence[str], path: Path, pairs: int = PAIRS) -> dict[str, Any]:
    """Measures tools on all workloads and writes the file of results after each.

    Args:
        tools: Their names; what the file has of a tool already is not measured again.
        path: The JSON file: by tool and workload, the cost (1.0 is nothing) and the pairs.
        pairs: Runs of each kind.
    """
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for workload in WORKLOADS:
        for name in tools:
            if name in LEFT_OUT or workload in known.get(name, {}):
                continue
            known.setdefault(name, {})[workload] = one(name, workload, pairs)
            path.write_text(json.dumps(known, indent=1), encoding="utf-8")
            print(f"{name} on {workload}: {known[name][workload]}")
    return dict(known)


def one(name: str, workload: str, pairs: int) -> dict[str, Any]:
    """Returns the cost of a tool on a workload."""
    tool, plain = adapter(name), adapter(PLAIN)
    try:
        python = environment(tool)
    except RuntimeError as error:
        return {"trouble": str(error)}
    ratios = []
    for _ in range(pairs):
        alone, _ = milliseconds(plain, python, workload)
        watched, trouble = milliseconds(tool, python, workload)
        if not alone or not watched:
            return {"trouble": trouble or "printed no time"}
        ratios.append(watched / alone)
    return {"cost": round(median(ratios), 3), "pairs": [round(ratio, 3) for ratio in ratios]}


def milliseconds(tool: Adapter, python: str, workload: str) -> tuple[float | None, str]:
    """Returns CPU milliseconds of a step with a tool, and what kept it from working."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        for copy in ("script.py", "reference.py"):
            shutil.copy(HERE / "workloads" / f"{workload}.py", out / copy)
        bounded(tool.command(python, out / "script.py", out), out, 300)
        said = [path.read_text("utf-8", "replace") for path in out.rglob("*.txt")]
        found = re.search(r"ms a step: ([\d.]+)", "\n".join(said))
        return float(found[1]) if found else None, tool.trouble(out).strip()[-200:]
