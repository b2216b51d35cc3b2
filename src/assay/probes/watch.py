"""The clock of a watched process: steps, iterations, and which of them are sampled."""

from __future__ import annotations

import os
from collections.abc import Callable
from math import isfinite
from time import monotonic, perf_counter
from typing import Any

import torch

from ..journal.writer import FLUSH_SECONDS, Journal
from ..seams.hub import Hub
from .base import Probe
from .by_hand import HandSteps
from .facts import Facts
from .sampler import Sampler
from .scaled import ScaledLosses, number
from .training import Training

TIMED = 8
"""One in so many iterations without a sample tells what such an iteration takes."""


class Watch(Facts):
    """Knows where the training is, and turns sampled probes on and off.

    An *iteration* is one or more backward passes followed by one or more optimizer steps. Whether
    it is sampled is decided before it begins, since module calls must be seen from the first; the
    switches of costly seams are therefore thrown at the end of the iteration before.
    """

    def __init__(self, hub: Hub, journal: Journal, settings: dict[str, Any]) -> None:
        super().__init__(hub, journal)
        self._steps: int | None = settings.get("steps")
        self._seconds: float | None = settings.get("seconds")
        self._whole_s = 0.0
        self.sampler = Sampler(float(settings.get("budget") or 0.01))
        self.probes: list[Probe] = []
        self.compiled = False
        self.stepped = False
        self._armed = False
        self._gated: list[tuple[str, Callable[..., None]]] = []
        self._losses = ScaledLosses()
        self.grad_enabled = True  # as the user has it: a sampled listener itself runs without
        self.in_closure = False
        self._closures = 0
        self._rates: list[Any] = []  # of the step under way
        self._began = self._ended = monotonic()

    # -- wiring ---------------------------------------------------------------------------------

    def attach(self, probes: list[Probe]) -> None:
        """Connects the clock first, then the probes, then the end of the step."""
        self.probes = probes
        hub = self.hub
        self.by_hand = HandSteps(self)
        hub.on("backward_begin", self._on_backward_begin)
        hub.on("scaled", self._losses.on_scaled)
        hub.on("step_begin", self._on_step_begin)
        hub.on("closure_begin", self._on_closure_begin)
        hub.on("closure_end", self._on_closure_end)
        hub.on("process_group", self._on_process_group)
        hub.on("transform", self._on_transform)
        hub.on("compile", self._on_compile)
        for probe in probes:
            for event in probe.always:
                hub.on(event, getattr(probe, f"on_{event}"))
            self._gated += [(e, self._gate(getattr(probe, f"on_{e}"))) for e in probe.sampled]
        hub.on("step_end", self._on_step_end)
        hub.on("step_skipped", self._on_step_skipped)
        self._arm()
        self._begin_sample()

    def _gate(self, listener: Callable[..., None]) -> Callable[..., None]:
        def gated(*facts: Any) -> None:
            if not self.sampling:
                return
            start = perf_counter()
            self.grad_enabled = torch.is_grad_enabled()
            try:
                with torch.no_grad():
                    listener(*facts)
            finally:
                self._own_s += perf_counter() - start

        gated.__qualname__ = listener.__qualname__
        return gated

    def _arm(self) -> None:
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
            self._armed = self.sampling = False
            self.hub.off("loss", self._on_loss)
            self.hub.off("root_begin", self._on_root_begin)
            for event, listener in self._gated:
                self.hub.off(event, listener)
            for switch in self.hub.switches.values():
                switch.stop()
            self.recorder.drop()

    def _begin_sample(self) -> None:
        self.sampling = True
        for probe in self.probes:
            probe.iteration_begins()

    # -- what seams say -------------------------------------------------------------------------

    def _on_zero_grad(self, owner: Any) -> None:
        self.hub.off("zero_grad", self._on_zero_grad)
        loss = self._loss
        if not self.stepped and isinstance(loss, float) and not isfinite(loss):
            self._loss = None  # the user throws this backward pass away

    def _on_compile(self, target: Any) -> None:
        self.compiled = True
        for switch in self.hub.switches.values():
            switch.stop()
        self.skip("activations", "compiled: module calls inside torch.compile can't be watched")

    def _on_root_begin(self, module: Any, args: Any, kwargs: Any) -> None:
        if self.stepped:
            self.roll()
        if not self.sampling or next(module.parameters(), None) is None:
            return  # a loss or an augmentation is no model
        for root in self.names.add_root(module):
            self.hub.say("root_found", root)

    def _on_loss(self, name: str, function: Any, args: Any, kwargs: Any, result: Any) -> None:
        if self.stepped and torch.is_grad_enabled():
            self.roll()

    def _on_step_begin(self, optimizer: Any, has_closure: Any) -> None:
        self._closures = 0
        # now, since a trick on the rate puts the script's own back when the step ends
        self._rates = rates = []
        for group in optimizer.param_groups:
            if "lr" in group:
                rates.append(group["lr"])
        if not self.journal.is_open:  # gradients may come from torch.autograd.grad alone
            self.open()

    def _on_closure_begin(self, optimizer: Any) -> None:
        self.in_closure = True
        self._closures += 1

    def _on_closure_end(self, optimizer: Any) -> None:
        self.in_closure = False

    def _on_process_group(self, rank: int, world: int, backend: str) -> None:
        self.journal.put("process_group", rank=rank, world=world, backend=str(backend))

    def _on_transform(self, name: str) -> None:
        if not self.stepped and not self.trainings:
            self.open()
        self.skip("torch.func", f"gradients taken by torch.func.{name} can't be watched")

    def _on_backward_begin(self, roots: Any, kept: Any) -> None:
        if self.stepped:
            self.roll()
        if not self.journal.is_open:
            self.open()
        if self.in_closure and self._closures > 1:
            return  # LBFGS looks around; the loss it started from is the step's
        for root in roots if type(roots) in (tuple, list) else (roots,):
            if isinstance(root, torch.Tensor) and root.numel() == 1:
                value = self._losses.value(root) if self._losses.known else number(root)
                self._loss = value if self._loss is None else self._loss + value
                if type(value) is float and not isfinite(value):
                    self._not_finite(roots)

    def open(self) -> None:
        """This process trains: its journal begins, and this thread is the one that is heard."""
        self.hub.own_thread()
        self.journal.open()

    def _not_finite(self, roots: Any) -> None:
        self.hub.say("loss_not_finite", roots)
        if self._on_zero_grad not in self.hub.listeners["zero_grad"]:
            self.hub.on("zero_grad", self._on_zero_grad)

    def add_loss(self, value: float | torch.Tensor | None) -> None:
        """Adds a loss to the iteration's: accumulated batches and joint losses are one step's."""
        if value is not None:
            self._loss = value if self._loss is None else self._loss + value

    def _on_step_end(self, optimizer: Any) -> None:
        training = self.note_step(optimizer)
        if self._steps and training.step >= self._steps:
            self.stop(f"stopped after step {training.step}, as asked by --steps")
        if self._seconds and self._ended - self._began >= self._seconds:
            self.stop(f"stopped after {self._seconds:g} seconds, as asked by --seconds")

    def note_step(self, optimizer: Any, *, skipped: bool = False) -> Training:
        """Notes that a step is done, and closes its sample.

        Every call that is made here is paid for at every step: between two steps torch's own code
        has driven ours out of the caches, so a call costs up to a microsecond.
        """
        training = self._by_id.get(id(optimizer))
        if training is None or training.optimizer() is not optimizer:
            training = self.training(optimizer)
        if skipped:
            self.event("step_skipped", training)
        if self.sampling:
            self.recorder.close(training.index, training.step)
        now = monotonic()
        if not skipped:
            training.stepped(self._loss, self._rates, now)
        if not self.stepped:
            self.stepped = True
            whole_s, self._ended = now - self._ended, now
            if whole_s > FLUSH_SECONDS:  # a slow step may be the last for long, or at all
                training.write()
                self.journal.flush()
            if self.sampling:
                self._whole_s = whole_s
            elif self.iteration % TIMED == 0:
                self.sampler.plain(whole_s)
        if not self._armed and self.iteration + 1 >= self.sampler.next:
            self._arm()
        return training

    def _on_step_skipped(self, optimizer: Any) -> None:
        self.note_step(optimizer, skipped=True)

    def roll(self) -> None:
        """The first sign of a new iteration."""
        if self.sampling:
            self.sampler.sampled(self.iteration, self._own_s, self._whole_s)
            self._own_s = 0.0
            self.recorder.drop()
        self.stepped = False
        self.iteration += 1
        self._loss = None
        self.sampling = False
        if self._armed:
            if self.iteration >= self.sampler.next:
                self._begin_sample()
            else:
                self._disarm()

    def stop(self, why: str) -> None:
        """Ends the user's program cleanly, as `sys.exit(0)` in their own loop would."""
        self.journal.put("stop", why=why)
        raise SystemExit(0)

    def forked(self) -> None:
        """In a forked child: what the parent process trained is not this process's."""
        self.forget()
        self._loss, self.stepped, self.iteration = None, False, 0
        self.sampler = Sampler(self.sampler.budget)
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
                self.hub.contain(f"{probe.name} at the end", error)
        if self.sampling and not self.stepped and self.trainings:
            # the iteration that never reached its step is the one that tells of a crash
            self.recorder.close(self.trainings[-1].index, self.trainings[-1].step)
        for training in self.trainings:
            training.write()
        self.recorder.land(wait=True)
        self.journal.put(
            "cost",
            samples=self.sampler.samples,
            own_s=round(self.sampler.cost_s, 6),
            opening_s=round(self.sampler.opening_cost_s, 6),
            iterations=self.iteration + 1,
            pid=os.getpid(),
        )
