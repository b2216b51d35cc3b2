"""Sampled iterations: what listens in them, when it is put in place, and what it takes."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter, thread_time
from types import MethodType
from typing import Any, Protocol

from ..journal.recorder import Recorder
from ..seams.hub import Hub
from .budget import Budget
from .gate import LAST_FIRST, Gate
from .plan import OWN_S_AT_MOST, PASSES_AT_MOST, SamplePlan
from .probe import Probe
from .training import TrainingLog

Listener = Callable[..., None]
NEVER = 1 << 40


class Recording(Protocol):
    """What records the user's computations, and not those of a probe that looks at them."""

    def pause(self) -> None:
        """Stands aside."""

    def resume(self) -> None:
        """Goes on, if it has not ended."""

    def stop(self) -> None:
        """Ends for good."""


class Sampling:
    """Turns the listeners and seams of a sample on and off, and times them.

    Whether an iteration is sampled is decided before it begins, since module calls must be seen
    from the first; so they are put in place (`armed`) at the end of the iteration before. A sample
    that no step ends is `suspended` after a while, and goes on when a step begins.
    """

    name = "clock"

    def __init__(self, hub: Hub, recorder: Recorder, plan: SamplePlan) -> None:
        self._hub, self.recorder = hub, recorder
        self.plan, self.budget = plan, plan.budget
        self.active = self.armed = self.suspended = False
        self.own_s = 0.0
        """Seconds that listeners took in this sampled iteration so far."""
        self.cpu_s = 0.0
        """The same in CPU time of this thread, which other processes do not lengthen."""
        self.grad_enabled = True
        """As the user has it: a sampled listener itself runs without gradients."""
        self.compiled = False
        """Whether torch.compile was called: modules are then left alone."""
        self.recording: Recording | None = None
        """Paused while sampled listeners run; ends when they are taken away."""
        self.ended = False
        """Whether nothing is sampled any more: looking would be noticed."""
        self._passes = 0
        self._probes: list[Probe] = []
        self._gates: dict[str, Gate] = {}
        self._early: list[tuple[str, Listener]] = []

    def forget(self) -> None:
        """Starts anew in a forked child."""
        if self.suspended:
            self.resume()
        self.recorder.drop()
        self.own_s, self.cpu_s, self._passes = 0.0, 0.0, 0
        self.budget = Budget(self.budget.share)
        told = self.plan.on_thinned
        self.plan = SamplePlan(self.budget, self.plan.opening)
        self.plan.on_thinned = told
        if self.armed:
            self._begin()

    # -- wiring -----------------------------------------------------------------------------------

    def add_early(self, event: str, listener: Listener) -> None:
        """Adds a listener that hears of an event before every probe, while a sample is awaited."""
        self._early.append((event, listener))

    def add(self, probe: Probe) -> None:
        """Adds the listeners that a probe has in sampled iterations."""
        self._probes.append(probe)
        for event in probe.sampled:
            if event not in self._gates:
                self._gates[event] = Gate(self, self._hub, event)
            self._gates[event].add(getattr(probe, f"on_{event}"))

    def timed(self, probe: Probe, listener: Listener) -> Listener:
        """Returns a listener that is charged to the budget, in sampled iterations and between.

        What the probe itself charges in it, for a dear measurement, is not charged again.
        """

        def timed(_: Probe, *facts: Any) -> None:
            start, charged = perf_counter(), self.budget.spent_s
            try:
                listener(*facts)
            finally:
                self.spent(perf_counter() - start - (self.budget.spent_s - charged), always=True)

        timed.__qualname__ = listener.__qualname__
        return MethodType(timed, probe)

    def spent(self, seconds: float, *, always: bool = False) -> None:
        """Charges time of our own to the sample, or `always`: between samples to the budget."""
        if self.active:
            self.own_s += seconds
        elif always:
            self.budget.overhead(seconds)

    # -- iterations -------------------------------------------------------------------------------

    def iteration_ends(self, iteration: int, whole_s: float) -> None:
        """Accounts for a sample, where this iteration was one."""
        if self.suspended:  # a step by hand, which nobody announces before it is made
            self.resume()
        if self.active:
            self.plan.sampled(iteration, self.own_s, whole_s, self.cpu_s)
            self.own_s = self.cpu_s = 0.0
            self.recorder.drop()
        self.active, self._passes = False, 0

    def iteration_begins(self, iteration: int) -> None:
        """Samples the iteration if its time has come, else takes the listeners away."""
        if not self.armed:
            return
        if iteration >= self.plan.next:
            self._begin()
        else:
            self._take_away()
            self.recorder.drop()

    def close(self, training: TrainingLog, *, skipped: bool = False) -> None:
        """Ends a sample's numbers: they belong to the step that was just taken, or skipped."""
        if self.active or self.suspended:
            self.recorder.close(training.index, training.step, skipped=skipped)

    def arm_if_due(self, iteration: int) -> None:
        """Puts the listeners in place if the iteration that comes next is to be sampled."""
        if not self.armed and iteration >= self.next:
            self.arm()

    def arm(self) -> None:
        """Puts the seams and listeners of a sample in place."""
        start, start_cpu = perf_counter(), thread_time()
        self.armed = True
        # a new iteration is noticed before its first sample is taken
        for event, listener in self._early:
            self._hub.on(event, listener)
        for event, gate in self._gates.items():
            self._hub.on(event, gate, first=event in LAST_FIRST)
        if not self.compiled:
            for switch in self._hub.switches.values():
                switch.start()
        self.own_s += perf_counter() - start
        self.cpu_s += thread_time() - start_cpu

    def begin(self) -> None:
        """Puts everything in place for the first sample, and begins it."""
        self.arm()
        self._begin()

    def disarm(self) -> None:
        """Takes all listeners and seams of samples away."""
        if self.armed:
            self._take_away()
            self.recorder.drop()

    @property
    def next(self) -> int:
        """The next iteration that is sampled; beyond every run's where none is."""
        return NEVER if self.ended else self.plan.next

    def end(self) -> list[str]:
        """Samples nothing from now on; returns the names of the probes that see nothing of it."""
        self.ended = True
        self.disarm()
        if self.suspended:
            self.suspended = False
            self._hub.off("step_begin", self._on_step_begin)
        return [probe.name for probe in self._probes if probe.sampled]

    def _begin(self) -> None:
        self.active = True
        for gate in self._gates.values():
            gate.calls = 0
        for probe in self._probes:
            probe.iteration_begins()

    def _take_away(self) -> None:
        self.armed = self.active = False
        for event, listener in self._early:
            self._hub.off(event, listener)
        for event, gate in self._gates.items():
            self._hub.off(event, gate)
        for switch in self._hub.switches.values():
            switch.stop()
        if self.recording is not None:
            self.recording.stop()

    def on_compile(self, target: Any) -> None:
        """Leaves modules alone from now on: inside torch.compile their calls can't be watched."""
        self.compiled = True
        for switch in self._hub.switches.values():
            switch.stop()

    # -- a sample without a step ------------------------------------------------------------------

    def count_pass(self) -> None:
        """Notes a backward pass of a sampled iteration; suspends a sample that has too many."""
        self._passes += 1
        if self._passes > PASSES_AT_MOST:
            self._suspend()
        else:
            self.suspend_if_long()

    def suspend_if_long(self) -> None:
        """Suspends a sample that has taken too much time, and still has no step."""
        if self.own_s > OWN_S_AT_MOST:
            self._suspend()

    def _suspend(self) -> None:
        """Takes a sample's listeners and seams away until the next step; what it saw is kept."""
        self._take_away()
        self.suspended = True
        self._hub.on("step_begin", self._on_step_begin)

    def resume(self) -> None:
        """Goes on with a suspended sample."""
        self.suspended = False
        self._hub.off("step_begin", self._on_step_begin)
        self.arm()
        self.active = True

    def _on_step_begin(self, optimizer: Any, has_closure: Any) -> None:
        self.resume()
