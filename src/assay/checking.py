"""Checking a script, and reading a record, from Python: what `assay.check` and `assay.read` do."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from .checks.base import Check
from .configured import configured_checks
from .journal.reader import read_run
from .journal.view import RunView
from .launch.errors import LaunchError
from .launch.settings import read_settings
from .observe import observe
from .report import Report, make_report


def check(
    words: tuple[str, ...],
    *,
    steps: int | None,
    seconds: float | None,
    ignore: Iterable[str],
    only: Iterable[str],
    folder: str | Path | None,
    python: str | None,
    budget: float | None,
) -> Report:
    """Runs a command under assay and reports on it. See `assay.check`."""
    lasting = read_settings()
    checks = configured_checks(lasting)
    ignore, only = named("ignore", ignore, checks), named("only", only, checks)
    settings = {
        "steps": positive("steps", steps, whole=True) or lasting.steps,
        "seconds": positive("seconds", seconds) or lasting.seconds,
        "budget": share(budget) or lasting.budget,
    }
    observed = observe(
        words,
        {key: value for key, value in settings.items() if value is not None},
        python=python,
        run_dir=folder,
        base=lasting.run_dir,
    )
    return make_report(
        observed.view,
        checks,
        ignore=(*ignore, *(name for name in lasting.ignore if name not in only)),
        only=only or lasting.only,
        folder=observed.folder,
    )


def read(folder: str | Path) -> RunView:
    """Reads the record of a run. See `assay.read`."""
    path = Path(folder)
    if not path.is_dir():
        raise LaunchError(f"{os.fspath(folder)}: there is no such folder of a run")
    if not (path / "run.json").is_file() and not any(path.glob("journal-*.jsonl")):
        raise LaunchError(f"{os.fspath(folder)}: holds no record of a run")
    try:
        return read_run(path)
    except OSError as error:
        raise LaunchError(f"{os.fspath(folder)}: can't be read: {error.strerror}") from None


def named(said: str, names: Iterable[str], checks: Iterable[Check]) -> tuple[str, ...]:
    """Returns names of checks as a tuple.

    Raises:
        LaunchError: There is no check of that name.
    """
    names = (names,) if isinstance(names, str) else tuple(names)
    known = {check.name for check in checks}
    for name in names:
        if name not in known:
            raise LaunchError(f"{said}: no check is called {name!r}; `assay checks` lists them")
    return names


def share(budget: float | None) -> float | None:
    """Returns a budget as it was given.

    Raises:
        LaunchError: It lies outside of 0 to 1.
    """
    if budget is not None and not 0 < budget <= 1:
        raise LaunchError(f"budget must be a number above 0, at most 1, received {budget!r}")
    return budget


def positive(said: str, value: float | None, *, whole: bool = False) -> float | None:
    """Returns a number as it was given.

    Raises:
        LaunchError: It is not above 0, or is not whole though it should be.
    """
    right = value is None or (
        not isinstance(value, bool)
        and isinstance(value, int if whole else (int, float))
        and 0 < value < float("inf")
    )
    if not right:
        kind = "a whole number from 1" if whole else "a number above 0"
        raise LaunchError(f"{said} must be {kind}, received {value!r}")
    return value
