"""The same watch in the process you are in: what `assay.start()` and `assay.stop()` do."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import session
from .checking import named, share
from .checks.base import Check
from .configured import configured_checks
from .journal.reader import read_run
from .launch import folder as folders
from .launch.settings import read_settings
from .report import Report, make_report


@dataclass(slots=True)
class Watching:
    """A watch in this process; `report` is None until it has ended."""

    report: Report | None = None


@dataclass(frozen=True, slots=True)
class _Begun:
    run: folders.RunFolder
    ignore: tuple[str, ...]
    only: tuple[str, ...]
    checks: tuple[Check, ...]
    at: float


_begun: _Begun | None = None


def start(
    folder: str | Path | None,
    *,
    ignore: Iterable[str],
    only: Iterable[str],
    budget: float | None,
) -> bool:
    """Begins a watch; False, and a line that says why, if there is one. See `assay.start`."""
    global _begun
    lasting = read_settings()
    checks = configured_checks(lasting)
    ignore, only = named("ignore", ignore, checks), named("only", only, checks)
    budget = share(budget)
    if _begun is not None:
        _say(f"watching already, into {_begun.run.path}; assay.stop() ends it")
        return False
    importlib.import_module("torch")  # under the launcher, this is what begins its watch
    if _watched_from_outside():
        _say("assay.start() does nothing: `assay check` or `assay run` watches this process")
        return False
    budget = budget or lasting.budget
    run = folders.create("notebook", base=lasting.run_dir, explicit=folder)
    run.begin(
        [sys.executable, *sys.argv],
        {"budget": budget} if budget else {},
        sys.executable,
        in_process=True,
    )
    if session.begin(str(run.path)) is None:
        _say("assay.start() does nothing: this process is watched already")
        return False
    kept = tuple(name for name in lasting.ignore if name not in only)
    _begun = _Begun(run, ignore + kept, only or lasting.only, checks, time.monotonic())
    return True


def stop(*, show: bool) -> Report | None:
    """Ends the watch. See `assay.stop`."""
    global _begun
    begun, _begun = _begun, None
    if begun is None:
        if not _watched_from_outside():
            _say("nothing to stop: assay.start() was not called")
        return None
    session.end()
    begun.run.end(exit_code=None, signal=None, seconds=time.monotonic() - begun.at)
    view = read_run(begun.run.path)
    report = make_report(
        view, begun.checks, ignore=begun.ignore, only=begun.only, folder=begun.run.path
    )
    if show:
        from .report.terminal import show as print_report

        print_report(report, sys.stdout)
    return report


@contextmanager
def watch(
    folder: str | Path | None,
    *,
    ignore: Iterable[str],
    only: Iterable[str],
    budget: float | None,
    show: bool,
) -> Iterator[Watching]:
    """Watches a block. See `assay.watch`."""
    watching = Watching()
    ours = start(folder, ignore=ignore, only=only, budget=budget)
    try:
        yield watching
    finally:
        if ours:  # an outer watch goes on
            watching.report = stop(show=show)


def _watched_from_outside() -> bool:
    launched = sys.modules.get("_assay.session")
    return launched is not None and launched.current() is not None


def _say(text: str) -> None:
    print(f"assay: {text}", file=sys.stderr)  # noqa: T201
