"""assay tells people why their PyTorch model isn't training, and proves what fixes it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from .journal.view import RunView
    from .launch import LaunchError
    from .notebook import Watching
    from .report import Report

__all__ = [
    "LaunchError", "Report", "RunView", "__version__", "check", "read", "start", "stop", "watch",
]  # fmt: skip

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Imports a class that is named in `__all__` when it is first asked for."""
    homes = {"LaunchError": "launch", "Report": "report", "RunView": "journal.view"}
    if name not in homes:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{homes[name]}"), name)


def check(
    script: str | Path,
    *args: str,
    steps: int | None = None,
    seconds: float | None = None,
    ignore: Iterable[str] = (),
    only: Iterable[str] = (),
    folder: str | Path | None = None,
    python: str | None = None,
    budget: float | None = None,
) -> Report:
    """Runs a training script in a process of its own and reports on it, as `assay check` does.

    `assay.check("train.py", "--lr", "3e-4")`. Nothing is printed but what the script prints.

    Args:
        script: The script; or `-m`, or `--`, with the module or the command as the next argument.
        args: The script's own arguments.
        steps: Optimizer steps after which it is stopped; None: it runs to its end.
        seconds: Time after which it is stopped.
        ignore: Names of checks that are not run.
        only: Names of the checks that are run; all if empty.
        folder: An empty or new folder for the record; one in `.assay/runs` if not given.
        python: The interpreter; the one of the active environment if not given.
        budget: How closely a run is looked at, above 0, at most 1: twice 0.01, the default, takes
            twice as many samples; below it they are thinned out earlier.

    Returns:
        The report: `findings`, `diagnosis.causes`, `as_dict()`.

    Raises:
        assay.LaunchError: Nothing was started, and why. A script that fails is no error: its exit
            status is in `report.view.facts["exit_code"]`.
    """
    from . import checking

    return checking.check(
        (str(script), *args),
        steps=steps,
        seconds=seconds,
        ignore=ignore,
        only=only,
        folder=folder,
        python=python,
        budget=budget,
    )


def read(folder: str | Path) -> RunView:
    """Reads the record of a run, also of one that is still going on or has crashed.

    Args:
        folder: The run's own folder, such as `.assay/runs/20270103-101500-train`.

    Returns:
        All that was recorded: `view.trainings[0].series("loss")`, `view.events("seed")`.

    Raises:
        assay.LaunchError: It is no folder of a run, or can't be read.
    """
    from . import checking

    return checking.read(folder)


def start(
    folder: str | Path | None = None,
    *,
    ignore: Iterable[str] = (),
    only: Iterable[str] = (),
    budget: float | None = None,
) -> None:
    """Starts to watch this process: for notebooks and debuggers, where assay can't start it.

    Call it before the model and the optimizer are made. Does nothing, and says so, if the process
    is watched already.

    Args:
        folder: An empty or new folder for the record; one in `.assay/runs` if not given.
        ignore: Names of checks that are not run.
        only: Names of the checks that are run; all if empty.
        budget: How closely a run is looked at, above 0, at most 1: twice 0.01, the default, takes
            twice as many samples; below it they are thinned out earlier.

    Raises:
        ImportError: This interpreter has no torch.
        assay.LaunchError: An argument can't be used, or the folder can't be written.
    """
    from . import notebook

    notebook.start(folder, ignore=ignore, only=only, budget=budget)


def stop(*, show: bool = True) -> Report | None:
    """Ends what `start` began: prints the report and returns it.

    Args:
        show: Print it.

    Returns:
        The report; None, and a line that says why, if `start` did not begin a watch.
    """
    from . import notebook

    return notebook.stop(show=show)


def watch(
    folder: str | Path | None = None,
    *,
    ignore: Iterable[str] = (),
    only: Iterable[str] = (),
    budget: float | None = None,
    show: bool = True,
) -> AbstractContextManager[Watching]:
    """Wraps a block in `start` and `stop`: `with assay.watch() as watching: train()`.

    The report is printed when the block ends, also by an exception, and is then at
    `watching.report`, which stays None if the process was watched already. Arguments and errors
    are those of `start` and `stop`.
    """
    from . import notebook

    return notebook.watch(folder, ignore=ignore, only=only, budget=budget, show=show)
