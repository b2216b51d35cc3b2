"""Probe: what a run was made with: packages, the user's own files, what torch was set to."""

from __future__ import annotations

import os
import sys
import sysconfig
from typing import Any, ClassVar

import torch

from ...seams.callsite import OURS
from ...watching.probe import Probe

MOST_SOURCES = 500


class Setup(Probe):
    """Line `setup`, at the end: `versions` by package, `sources` as absolute paths.

    Only what was loaded counts, so that a change in a file that the run never imported is known to
    be without effect. Event `conditions`, as an optimizer takes its first step: what decides on the
    last bits of a result.
    """

    name = "setup"
    always: ClassVar = ("training_found",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        # Python takes it away from a script that has ended
        self._script = getattr(sys.modules.get("__main__"), "__file__", None)

    def on_training_found(self, training: Any, optimizer: Any) -> None:
        """Notes what torch is set to by now; most scripts set it before they train."""
        weight = next((p for g in optimizer.param_groups for p in g["params"]), None)
        if weight is not None:
            found = conditions(weight)
            self.watch.event_once("conditions", *found.values(), **found)

    def finish(self) -> None:
        """Reads the table of modules once, when all of them are there."""
        self.watch.line("setup", versions=versions(), sources=sources(self._script))


def conditions(weight: torch.Tensor) -> dict[str, Any]:
    """Returns what decides on the last bits of a result, beside the numbers themselves.

    Args:
        weight: One of those that are trained; its device counts.
    """
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn = deterministic and torch.is_deterministic_algorithms_warn_only_enabled()
    on_cuda = weight.device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(weight.device) if on_cuda else weight.device.type,
        "dtype": str(weight.dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "deterministic": "warn only" if warn else "yes" if deterministic else "no",
        "cudnn_deterministic": torch.backends.cudnn.deterministic,
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
        "matmul_precision": _matmul_precision(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "cuda": torch.version.cuda if on_cuda else None,
        "cudnn": torch.backends.cudnn.version() if on_cuda else None,
    }


def _matmul_precision() -> str | None:
    """Returns how float32 is multiplied; None where torch's two ways to say so contradict."""
    try:
        return torch.get_float32_matmul_precision()
    except RuntimeError:
        return None


def versions() -> dict[str, str]:
    """Returns `__version__` of every top-level package that is loaded and has one."""
    found = {}
    for name, module in sorted(sys.modules.items()):
        version = vars(module).get("__version__") if hasattr(module, "__dict__") else None
        own = name.startswith("_") or "." in name
        if isinstance(version, str) and not own and name not in sys.stdlib_module_names:
            found[name] = version
    return found


def sources(script: str | None) -> list[str]:
    """Returns the script and Python files that are not installed, Python's, or ours."""
    paths = sysconfig.get_paths()
    installed = [OURS, *(paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib"))]
    roots = tuple(os.path.join(os.path.realpath(path), "") for path in installed)

    def is_installed(path: str) -> bool:
        return path.startswith(roots) or "site-packages" in path or "dist-packages" in path

    # a program has thousands of modules in a few folders, and each path costs a look at the disk
    known: dict[str, bool] = {}
    found = set()
    for file in [script, *(getattr(m, "__file__", None) for m in list(sys.modules.values()))]:
        if not isinstance(file, str) or not file.endswith(".py"):
            continue
        folder = os.path.dirname(file)
        if folder not in known:
            known[folder] = is_installed(os.path.join(os.path.realpath(folder), ""))
        if known[folder]:
            continue
        real = os.path.realpath(file)
        if not is_installed(real) and os.path.isfile(real):
            found.add(real)
    return sorted(found)[:MOST_SOURCES]
