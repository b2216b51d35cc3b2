"""What is watched of a process: its clock, its probes, and which iterations they sample."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from time import perf_counter
from types import MethodType
from typing import Any, TypeVar

import torch

from ..journal.writer import Journal
from ..seams.hub import Hub
from .by_hand import HandSteps
from .clock import Clock
from .probe import Probe

Shared = TypeVar("Shared", bound=Probe)


class Watch(Clock):
    """Turns sampled probes on and off.

    Whether an iteration is sampled is decided before it begins, since module calls must be seen
    from the first; the switches of costly seams are therefore thrown at the end of the iteration
    before.
    """

    def __init__(self, hub: Hub, journal: Journal, settings: dict[str, Any]) -> None:
        super().__init__(hub, journal, settings)
        self.probes: list[Probe] = []
        self._shared: dict[type[Probe], Probe] = {}
        self.compiled = False
        self.grad_enabled = True  # as the user has it: a sampled listener itself runs without
        self._gated: list[tuple[str, Callable[..., None]]] = []
        # no method of the clock's: while it is there, steps are announced as they begin
        self._on_awaited_step = partial(Watch._resume_at, self)

    # -- wiring ---------------------------------------------------------------------------------

    def attach(self, probes: list[Probe]) -> None:
        """Connects the clock first, then the probes, then the end of the step."""
        self.probes = probes = [*self._shared.values(), *probes]
        hub = self.hub
        self.by_hand = HandSteps(self)
        self.keep_time()
        hub.on("process_group", self._on_process_group)
        hub.on("transform", self._on_transform)
        hub.on("compile", self._on_compile)
        for probe in probes:
            for event in probe.always:
                hub.on(event, getattr(probe, f"on_{event}"))
            self._gated += [(e, self._gate(probe, e)) for e in probe.sampled]
        hub.on("step_end", self.on_step_end)
        hub.on("step_skipped", self._on_step_skipped)
        self.arm()
        self._begin_sample()

    def shared(self, kind: type[Shared]) -> Shared:
        """Returns the one probe of this kind that others use, which hears of events before them.

        To be asked for by a probe as it is made.
        """
        if kind not in self._shared:
            self._shared[kind] = kind(self)
        probe = self._shared[kind]
        assert isinstance(probe, kind)
        return probe

    def _gate(self, probe: Probe, event: str) -> Callable[..., None]:
        listener: Callable[..., None] = getattr(probe, f"on_{event}")

        def gated(probe: Probe, *facts: Any) -> None:
            if not self.sampling:
                return
            start = perf_counter()
            recording = self.hub.recording
            if recording is not None:
                recording.pause()
            self.grad_enabled = torch.is_grad_enabled()
            try:
                with torch.no_grad():
                    listener(*facts)
            finally:
                if recording is not None:
                    recording.resume()
                self._own_s += perf_counter() - start

        gated.__qualname__ = listener.__qualname__
        return MethodType(gated, probe)  # the hub names the probe of a listener that fails

    def arm(self) -> None:
        """Puts the seams and listeners of a sample in place."""
        if self._armed:
            return
        start = perf_counter()
        self._armed = True
        # a new iteration is noticed before its first sample is taken
        self.hub.on("loss", self._on_loss)
        self.hub.on("root_begin", self._on_root_begin)
        for event, listener in self._gated:
            self.hub.on(event, listener, first=event in ("step_end", "step_skipped"))
        if not self.compiled:
            for switch in self.hub.switches.values():
                switch.start()
        self._own_s += perf_counter() - start

    def _disarm(self) -> None:
        if self._armed:
            self._take_away()
            self.recorder.drop()

    def _take_away(self) -> None:
        self._armed = self.sampling = False
        self.hub.off("loss", self._on_loss)
        self.hub.off("root_begin", self._on_root_begin)
        for event, listener in self._gated:
            self.hub.off(event, listener)
        for switch in self.hub.switches.values():
            switch.stop()

    def suspend(self) -> None:
        """Takes a sample's listeners and seams away until the next step; what it saw is kept."""
        self._take_away()
        self.suspended = True
        self.hub.on("step_begin", self._on_awaited_step)

    def resume(self) -> None:
        """Goes on with a suspended sample."""
        self.suspended = False
        self.hub.off("step_begin", self._on_awaited_step)
        self.arm()
        self.sampling = True

    def _resume_at(self, optimizer: Any, has_closure: Any) -> None:
        self.resume()

    def sample_or_disarm(self) -> None:
        """An iteration begins: samples it if its time has come, else takes the listeners away."""
        if self.iteration >= self.plan.next:
            self._begin_sample()
        else:
            self._disarm()

    def _begin_sample(self) -> None:
        self.sampling = True
        for probe in self.probes:
            probe.iteration_begins()

    # -- what seams say -------------------------------------------------------------------------

    def _on_compile(self, target: Any) -> None:
        self.compiled = True
        for switch in self.hub.switches.values():
            switch.stop()
        for probe in ("activations", "batches", "losses"):  # where they find nothing at all
            self.skip(probe, "compiled: calls inside torch.compile can't be watched")

    def _on_root_begin(self, module: Any, args: Any, kwargs: Any) -> None:
        if self.stepped:
            self.next_iteration()
        if not self.sampling or next(module.parameters(), None) is None:
            return  # a loss or an augmentation is no model
        self.suspend_if_long()
        if self.suspended:
            return
        for root in self.names.add_root(module):
            self.hub.emit("root_found", root)

    def _on_loss(self, name: str, function: Any, args: Any, kwargs: Any, result: Any) -> None:
        if self.stepped and torch.is_grad_enabled():
            self.next_iteration()

    def _on_process_group(self, rank: int, world: int, backend: str) -> None:
        self.journal.put("process_group", rank=rank, world=world, backend=str(backend))

    def _on_transform(self, name: str) -> None:
        if not self.stepped and not self.trainings:
            self.open()
        self.skip("torch.func", f"gradients taken by torch.func.{name} can't be watched")

    def forked(self) -> None:
        """In a forked child: nothing is known yet."""
        if self.suspended:
            self.resume()
        self.forget()
        self.by_hand.forked()
        if self._armed:
            self._begin_sample()

    def finish(self) -> None:
        """Writes what is held: the process ends."""
        self.by_hand.finish()
        for probe in self.probes:
            try:
                probe.finish()
            except Exception as error:
                self.hub.contain(f"{probe.name} at the end", error, by=probe.name)
        under_way = self.sampling or self.suspended
        if under_way and not self.stepped and self.trainings:
            # the iteration that never reached its step is the one that tells of a crash
            self.recorder.close(self.trainings[-1].index, self.trainings[-1].step)
        for training in self.trainings:
            training.write()
        self.recorder.flush_arrived(wait=True)
        self.journal.put(
            "cost",
            samples=self.plan.taken + under_way,
            last=self.iteration if under_way else self.plan.last,
            own_s=round(self.budget.spent_s, 6),
            opening_s=round(self.budget.opening_s, 6),
            iterations=self.iteration + 1,
            pid=os.getpid(),
        )
