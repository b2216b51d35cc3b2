"""What is recorded of a process: numbers, events, trainings and names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from ..journal.events import EVENTS
from ..journal.recorder import Recorder
from ..journal.writer import Journal
from ..seams.callsite import user_site
from ..seams.hub import Hub
from .names import Names
from .numbers import Numbers
from .training import TrainingLog

TRAININGS_AT_MOST = 256
EVENTS_AT_MOST = 2000
"""Bounds of what one process keeps and writes, whatever the length of its run."""


class Facts:
    """Writes what is seen, within bounds that the length of a run does not change.

    Args:
        hub: Tells of trainings and of roots that are found.
        journal: Takes the lines.
        iteration: Returns the iteration under way.
    """

    def __init__(self, hub: Hub, journal: Journal, iteration: Callable[[], int]) -> None:
        self.journal = journal
        self.recorder = Recorder(journal)
        self.names = Names()
        self.optimizers = Numbers()  # all that were built, also those that never step
        self.schedulers, self.scalers = Numbers(), Numbers()
        self.trainings: list[TrainingLog] = []
        self._hub, self._iteration = hub, iteration
        self._by_id: dict[int, TrainingLog] = {}
        self._sites: set[tuple[Any, ...]] = set()
        self._skipped: set[str] = set()
        self._events: dict[str, int] = {}

    def forget(self) -> None:
        """Forgets what the parent of a forked process trained."""
        self.trainings, self._by_id = [], {}
        self._sites.clear()
        self._skipped.clear()
        self._events.clear()

    def training(self, optimizer: Any) -> TrainingLog:
        """Returns the training of this optimizer; a new one for an optimizer not met before."""
        training = self._by_id.get(id(optimizer))
        if training is None or training.optimizer() is not optimizer:
            if len(self.trainings) >= TRAININGS_AT_MOST:
                self.skip("trainings", f"all optimizers after number {TRAININGS_AT_MOST} are one")
                return self.trainings[-1]
            training = TrainingLog(len(self.trainings), optimizer, self.journal)
            self.trainings.append(training)
            self._by_id[id(optimizer)] = training
            self._hub.emit("training_found", training, optimizer)
        return training

    def learn_names(self, optimizer: Any) -> None:
        """Finds the models whose parameters an optimizer holds, where no call has shown them."""
        held = [p for group in optimizer.param_groups for p in group["params"]]
        for root in self.names.learn(held):
            self._hub.emit("root_found", root)

    def put(self, signal: str, place: str, value: float | torch.Tensor) -> None:
        """Records one number of the sampled iteration."""
        self.recorder.put(signal, place, value)

    def event(self, kind: str, training: TrainingLog | None = None, /, **data: Any) -> None:
        """Records one fact that is not a number, with the user's line.

        Raises KeyError for a kind, or a key of its data, that is not declared.
        """
        EVENTS[kind].verify(data)
        self._events[kind] = self._events.get(kind, 0) + 1
        if self._events[kind] > EVENTS_AT_MOST:
            self.skip(f"event {kind}", f"more than {EVENTS_AT_MOST} of them in this run")
            return
        where = training or (self.trainings[-1] if self.trainings else None)
        self.journal.put(
            "event",
            e=kind,
            i=self._iteration(),
            s=where.step if where else 0,
            **({"o": training.index} if training else {}),
            site=user_site(2),
            data=data,
        )

    def event_once(self, kind: str, /, *key: Any, **data: Any) -> None:
        """Records an event as `event` does, but only the first time for this key."""
        if (kind, *key) not in self._sites and len(self._sites) < 5000:
            self._sites.add((kind, *key))
            self.event(kind, **data)

    def skip(self, what: str, why: str) -> None:
        """Records that something is not measured in this run, and why; once."""
        if what not in self._skipped:
            self._skipped.add(what)
            self.journal.put("skip", what=what, why=why)
