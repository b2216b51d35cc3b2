"""How a trial goes on: what is running, and what is left."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from ..trials.child import Child
from ..trials.metric import KINDS, shown
from ..trials.plan import Job
from ..trials.result import Result
from .ending import counted

REFRESH_S = 0.25


class Progress:
    """Listens to a trial's runs: a live line in a terminal, else a line for each run that ended."""

    def __init__(self, file: TextIO | None = None) -> None:
        self._console = Console(file=file or sys.stderr, highlight=False, emoji=False, markup=False)
        self._live: Live | None = None
        self._shown_at = 0.0
        self._usual: float | None = None

    def __enter__(self) -> Progress:
        if self._console.is_terminal:
            self._live = Live(Text(""), console=self._console, transient=True, auto_refresh=False)
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def work(self, running: Sequence[Child], left: int) -> None:
        """Shows what is running and what is left."""
        now = time.monotonic()
        if self._live is None or now - self._shown_at < REFRESH_S:
            return
        self._shown_at = now
        lines = Text()
        for child in running:
            lines.append(f"  {child.job}  ", "bold").append(f"{child.seconds:.0f} s", "dim")
            if self._usual:
                lines.append(f" of about {self._usual:.0f} s", "dim")
            lines.append("\n")
        lines.append(f"  {self._rest(left)}; Ctrl-C keeps what is known", "dim")
        self._live.update(lines, refresh=True)

    def _rest(self, left: int) -> str:
        return f"{counted(left, 'run')} left in this round"

    def ended(self, job: Job, result: Result) -> None:
        """Tells how a run ended."""
        if not result.resumed and result.state == "done":
            self._usual = result.seconds
        said = result.why if result.state != "done" else _value(result)
        known = ", known from before" if result.resumed else f", {result.seconds:.0f} s"
        self._tell(f"assay: {job}: {said}{known}")

    def retried(self, job: Job, result: Result) -> None:
        """Tells that a run is tried again."""
        self._tell(f"assay: {job}: {result.why}; it is tried once more")

    def _tell(self, text: str) -> None:
        self._console.print(Text(text, "dim"), soft_wrap=True)


def _value(result: Result) -> str:
    order = {kind: place for place, kind in enumerate(KINDS)}
    kinds = sorted(result.measured.values, key=lambda kind: order.get(kind, -1))
    kind = next(iter(kinds), None)
    steps = counted(result.steps, "step")
    if kind is None:
        return steps
    value = shown(
        kind, result.measured.values[kind]
    )  # infinite where a run came to nothing: NaN is no number
    return f"{kind} {f'{value:.4g}' if math.isfinite(value) else 'not finite'} after {steps}"


class TuningProgress(Progress):
    """The same for a search: how it stands, with the best so far."""

    def __init__(self, file: TextIO | None = None) -> None:
        super().__init__(file)
        self._standing = ""

    def stand(self, text: str) -> None:
        """Hears how it stands."""
        self._standing = text
        if self._live is None:
            self._tell(f"assay: {text}")

    def _rest(self, left: int) -> str:
        return self._standing or super()._rest(left)
