"""Where what a seam announces in a sampled iteration reaches the probes, all at once."""

from __future__ import annotations

from time import perf_counter, thread_time
from typing import TYPE_CHECKING, Any

import torch

from ..seams.hub import Hub, Listener

if TYPE_CHECKING:
    from .sampling import Sampling

LAST_FIRST = ("step_end", "step_skipped")
"""What probes share lets go of a batch there: those that have asked for it come before."""

TIMED_FIRST, TIMED_EACH = 8, 16
"""Of an event's calls in one iteration, the CPU time is read of the first ones, and of one in so
many that follow: reading it is a call of the system, which takes longer than many listeners do."""


class Gate:
    """Calls the listeners of one event: timed, without gradients, and out of sight of a recording.

    One gate for all of them, since what they share takes longer than many of them do. An error of
    one does not keep the event from the next.
    """

    def __init__(self, sampling: Sampling, hub: Hub, event: str) -> None:
        self._sampling, self._hub, self._event = sampling, hub, event
        self._listeners: list[Listener] = []
        self.calls = 0
        """In this iteration so far."""

    def add(self, listener: Listener) -> None:
        """Adds a method of a probe."""
        self._listeners.insert(0 if self._event in LAST_FIRST else len(self._listeners), listener)

    def __call__(self, *facts: Any) -> None:
        """Tells every probe, as long as the iteration is sampled."""
        sampling = self._sampling
        if not sampling.active:
            return
        calls, self.calls = self.calls, self.calls + 1
        stands_for = 1 if calls < TIMED_FIRST else TIMED_EACH * (calls % TIMED_EACH == 0)
        start, start_cpu = perf_counter(), thread_time() if stands_for else 0.0
        recording = sampling.recording
        if recording is not None:
            recording.pause()
        # a listener may cause an event, which comes by here within this one
        before, outer = torch.is_grad_enabled(), sampling.grad_enabled
        sampling.grad_enabled = before
        torch._C._set_grad_enabled(False)  # a context costs as much as a listener
        try:
            for listener in self._listeners:
                if not sampling.active:  # suspended by one of them
                    break
                try:
                    listener(*facts)
                except Exception as error:
                    self._hub.contain_of(self._event, listener, error)
                if sampling.recording is not recording:
                    recording = sampling.recording
                    if recording is not None:  # begun by this listener
                        recording.pause()
        finally:
            torch._C._set_grad_enabled(before)
            sampling.grad_enabled = outer
            if recording is not None:
                recording.resume()
            sampling.own_s += perf_counter() - start
            if stands_for:
                sampling.cpu_s += stands_for * (thread_time() - start_cpu)
