"""Probe: what a run was made with: versions of loaded packages, and the user's own source files."""

from __future__ import annotations

import os
import sys
import sysconfig
from typing import Any

from ..watching.probe import Probe

MOST_SOURCES = 500


class Setup(Probe):
    """Line `setup`, at the end: `versions` by package, `sources` as absolute paths.

    Only what was loaded counts, so that a change in a file that the run never imported is known to
    be without effect.
    """

    name = "setup"

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        # Python takes it away from a script that has ended
        self._script = getattr(sys.modules.get("__main__"), "__file__", None)

    def finish(self) -> None:
        """Reads the table of modules once, when all of them are there."""
        self.watch.line("setup", versions=versions(), sources=sources(self._script))


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
    ours = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    paths = sysconfig.get_paths()
    installed = [ours, *(paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib"))]
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
