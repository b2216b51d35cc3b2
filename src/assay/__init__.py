"""assay tells people why their PyTorch model isn't training, and proves what fixes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from .notebook import Watching
    from .report import Report

__all__ = ["__version__", "start", "stop", "watch"]

__version__ = "0.1.0"


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
        budget: Share of step time that observing may take, above 0, at most 1; 0.01 if not given.

    Raises:
        ImportError: This interpreter has no torch.
        assay.launch.LaunchError: An argument can't be used, or the folder can't be written.
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
    """`start` and `stop` around a block: `with assay.watch() as watching: train()`.

    The report is printed when the block ends, also by an exception, and is then at
    `watching.report`, which stays None if the process was watched already. Arguments and errors
    are those of `start` and `stop`.
    """
    from . import notebook

    return notebook.watch(folder, ignore=ignore, only=only, budget=budget, show=show)
