"""The clock of a watched process: steps, iterations, and which of them are sampled."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from time import perf_counter
from typing import Any

import torch

from ..journal.recorder import Recorder
from ..journal.writer import Journal
from ..seams.callsite import user_site
from ..seams.hub import Hub
from .base import Probe
from .names import Names
from .sampler import Sampler
from .training import Training


class Watch:
    """Knows where the training is, and turns sampled probes on and off.

    An *iteration* is one or more backward passes followed by one or more optimizer steps. Whether it
    is sampled is decided before it begins, since module calls must be seen from the first; the switches of
    costly seams are therefore thrown at the end of the iteration before.
    """

    def __init__(self, hub: Hub, journal: Journal, settings: dict[str, Any]) -> None:
        self.hub, self.journal, self.settings = hub, journal, settings
        self.recorder = Recorder(journal)
        self.names = Names()
        self.sampler = Sampler(float(settings.get("budget") or 0.01))
        self.trainings: list[Training] = []
        self.probes: list[Probe] = []
        self.iteration = 0
        self.sampling = False
        self.compiled = False
        self.stepped = False
        self._by_id: dict[int, Training] = {}
        self._armed = False
        self._gated: list[tuple[str, Callable[..., None]]] = []
        self._loss: float | torch.Tensor | None = None
        self._unscaled: tuple[Any, Any] | None = None
        self._in_closure = False
        self._closure_backwards = 0
        self._own_s = self._whole_s = 0.0
        self._began = self._ended = perf_counter()
        self._sites: set[tuple[Any, ...]] = set()
        self._skipped: set[str] = set()

    # -- wiring ---------------------------------------------------------------------------------

    def attach(self, probes: list[Probe]) -> None:
        """Connects the clock first, then the probes, then the end of the step."""
        self.probes = probes
        hub = self.hub
        hub.on("backward_begin", self._on_backward_begin)
        hub.on("loss", self._on_loss)
        hub.on("root_begin", self._on_root_begin)
        hub.on("scaled", self._on_scaled)
        hub.on("step_begin", self._on_step_begin)
        hub.on("compile", self._on_compile)
        hub.on("zero_grad", self._on_zero_grad)
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
        for event, listener in self._gated:
            self.hub.on(event, listener, first=event in ("step_end", "step_skipped"))
        if not self.compiled:
            for switch in self.hub.switches.values():
                switch.start()
        self._own_s += perf_counter() - start

    def _disarm(self) -> None:
        if self._armed:
            self._armed = self.sampling = False
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
        loss = self._loss
        if not self.stepped and isinstance(loss, float) and not math.isfinite(loss):
            self._loss = None  # the user throws this backward pass away

    def _on_compile(self, target: Any) -> None:
        self.compiled = True
        for switch in self.hub.switches.values():
            switch.stop()
        self.skip("activations", "compiled: module calls inside torch.compile can't be watched")

    def _on_root_begin(self, module: Any, args: Any, kwargs: Any) -> None:
        if self.stepped:
            self._roll()
        if not self.sampling or next(module.parameters(), None) is None:
            return  # a loss or an augmentation is no model
        if self.names.add_root(module):
            self.hub.say("root_found", module)

    def _on_loss(self, name: str, function: Any, args: Any, kwargs: Any, result: Any) -> None:
        if self.stepped and torch.is_grad_enabled():
            self._roll()

    def _on_scaled(self, original: Any, scaled: Any) -> None:
        self._unscaled = (scaled, original)

    def _on_step_begin(self, optimizer: Any, has_closure: bool) -> None:
        self._in_closure, self._closure_backwards = has_closure, 0

    def _on_backward_begin(self, roots: Any, kept: bool) -> None:
        if self.stepped:
            self._roll()
        if not self.journal.is_open:
            self.journal.open()
        if self._in_closure:
            self._closure_backwards += 1
            if self._closure_backwards > 1:
                return
        loss = roots
        if self._unscaled is not None:
            if roots is self._unscaled[0]:
                loss = self._unscaled[1]
            self._unscaled = None
        if not isinstance(loss, torch.Tensor) or loss.numel() != 1:
            return
        value = loss.item() if loss.is_cpu else loss.detach().reshape(())
        self._loss = value if self._loss is None else self._loss + value

    def _on_step_end(self, optimizer: Any) -> None:
        training = self.training(optimizer)
        if self.sampling:
            self.recorder.close(training.index, training.step)
        training.stepped(self._loss, optimizer.param_groups)
        self._end_of_step()
        limit = self.settings.get("steps")
        if limit and training.step >= limit:
            self.stop(f"stopped after {training.step} steps, as asked by --steps")
        seconds = self.settings.get("seconds")
        if seconds and perf_counter() - self._began >= seconds:
            self.stop(f"stopped after {seconds:g} seconds, as asked by --seconds")

    def _on_step_skipped(self, optimizer: Any) -> None:
        training = self.training(optimizer)
        self.event("step_skipped", training)
        if self.sampling:
            self.recorder.close(training.index, training.step)
        self._end_of_step()

    def _end_of_step(self) -> None:
        if not self.stepped:
            self.stepped = True
            now = perf_counter()
            whole_s, self._ended = now - self._ended, now
            if self.sampling:
                self._whole_s = whole_s
            else:
                self.sampler.plain(whole_s)
        self._in_closure = False
        if not self._armed and self.sampler.due(self.iteration + 1):
            self._arm()

    def _roll(self) -> None:
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
            if self.sampler.due(self.iteration):
                self._begin_sample()
            else:
                self._disarm()

    # -- what probes use ------------------------------------------------------------------------

    @property
    def loss(self) -> float | torch.Tensor | None:
        """Sum of the losses of this iteration so far; a tensor where it lies on an accelerator."""
        return self._loss

    def training(self, optimizer: Any) -> Training:
        """The training of this optimizer; a new one for an optimizer not met before."""
        training = self._by_id.get(id(optimizer))
        if training is None or training.optimizer() is not optimizer:
            training = Training(len(self.trainings), optimizer, self.journal)
            self.trainings.append(training)
            self._by_id[id(optimizer)] = training
            self.hub.say("training_found", training, optimizer)
        return training

    def put(self, signal: str, place: str, value: float | torch.Tensor) -> None:
        """Records one number of the sampled iteration."""
        self.recorder.put(signal, place, value)

    def event(self, kind: str, training: Training | None = None, /, **data: Any) -> None:
        """Records one fact that is not a number, with the user's line."""
        where = training or (self.trainings[-1] if self.trainings else None)
        self.journal.put(
            "event",
            e=kind,
            i=self.iteration,
            s=where.step if where else 0,
            **({"o": training.index} if training else {}),
            site=user_site(2),
            data=data,
        )

    def event_once(self, kind: str, /, *key: Any, **data: Any) -> None:
        """The same, but only the first time for this key."""
        if (kind, *key) not in self._sites and len(self._sites) < 5000:
            self._sites.add((kind, *key))
            self.event(kind, **data)

    def skip(self, what: str, why: str) -> None:
        """Records that something is not measured in this run, and why; once."""
        if what not in self._skipped:
            self._skipped.add(what)
            self.journal.put("skip", what=what, why=why)

    def stop(self, why: str) -> None:
        """Ends the user's program cleanly, as `sys.exit(0)` in their own loop would."""
        self.journal.put("stop", why=why)
        raise SystemExit(0)

    def forked(self) -> None:
        """In a forked child: what the parent process trained is not this process's."""
        self.trainings, self._by_id = [], {}
        self._sites.clear()
        self.recorder.drop()

    def finish(self) -> None:
        """Writes what is held: the process ends."""
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


