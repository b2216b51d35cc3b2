"""A watch whose events are told by hand, and whose time is: no seam is in place."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from assay.journal.reader import read_run
from assay.journal.view import RunView
from assay.journal.writer import Journal
from assay.seams.hub import Hub
from assay.watching import clock, fast
from assay.watching.probe import Probe
from assay.watching.watch import Watch


class Bench:
    """Says what seams say.

    Args:
        folder: For the journal.
        monkeypatch: Puts `now` in the place of the clock's time.
        probes: That are attached.
        settings: Of the watch.

    Attributes:
        now: Seconds, as the clock reads them.
        heard: What was emitted and is listened for by `hear`.
    """

    def __init__(
        self,
        folder: Path,
        monkeypatch: Any,
        probes: Iterable[type[Probe]] = (),
        **settings: Any,
    ) -> None:
        self.now, self.folder = 100.0, folder
        for module in (clock, fast):
            monkeypatch.setattr(module, "monotonic", lambda: self.now)
        self.errors: list[Any] = []
        self.hub = Hub(lambda where, error, by: self.errors.append((where, error)))
        self.journal = Journal(str(folder))
        self.watch = Watch(self.hub, self.journal, settings)
        self.clock = self.watch.clock
        self.watch.attach(probes)
        self.heard: list[tuple[Any, ...]] = []
        self.optimizer = torch.optim.SGD([torch.zeros(2, requires_grad=True)], lr=0.1)

    def say(self, event: str, *facts: Any) -> None:
        self.hub.emit(event, *facts)

    def backward(self, loss: Any) -> Any:
        """Says that gradients of a loss are computed."""
        root = torch.tensor(loss) if isinstance(loss, float) else loss
        self.say("backward_begin", root, False)
        self.say("backward_end", root)
        return root

    def far(self) -> None:
        """Trains until samples lie some thirty iterations apart, and one has just been taken."""
        for _ in range(1200):
            if self.clock.iteration > 600 and self.clock.fast.steps_left > 20:
                return
            self.iterate(1.0, seconds=0.001)
        raise AssertionError("samples do not lie apart")

    def to_a_sample(self) -> None:
        """Trains until the iteration under way is sampled."""
        for _ in range(200):
            if self.watch.sampling.active:
                return
            self.iterate(1.0, seconds=0.001)
        raise AssertionError("no iteration is sampled")

    def step(self, optimizer: Any = None) -> None:
        optimizer = optimizer or self.optimizer
        self.say("step_begin", optimizer, False)
        self.say("step_end", optimizer)

    def iterate(self, loss: float, seconds: float = 0.0) -> None:
        """One iteration that takes so long."""
        self.now += seconds
        self.backward(loss)
        self.step()

    def end(self) -> RunView:
        """Ends the run and reads it."""
        self.watch.finish()
        self.journal.close()
        assert self.errors == []
        return read_run(self.folder)
