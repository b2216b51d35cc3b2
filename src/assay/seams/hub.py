"""The hub: one list of listeners per event, and the place where our own errors end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from threading import get_ident
from typing import Any, Protocol

from .interpreting import interpreted

Listener = Callable[..., Any]
ErrorListener = Callable[[str, BaseException, str], None]
"""Is told where an error of ours was raised, the error, and which probe raised it; "" for none."""

EVENTS = {
    "optimizer_created": "(optimizer) after its constructor returned",
    "optimizer_built": "(optimizer) its outermost constructor returned; where a trick needs it",
    "group_added": "(optimizer) after add_param_group",
    "step_begin": "(optimizer, has_closure) before the optimizer's own step code",
    "gradients_ready": "(optimizer) the gradients that this step will use are final",
    "closure_begin": "(optimizer) the closure given to step is called",
    "closure_end": "(optimizer) and returned or raised",
    "step_end": "(optimizer) after the optimizer's own step code",
    "step_skipped": "(optimizer) a GradScaler found non-finite gradients and did not step",
    "zero_grad": "(owner) an optimizer or module cleared gradients",
    "backward_begin": "(roots, graph_kept) before gradients are computed by backward()",
    "loss_not_finite": "(roots) before gradients of a loss on the CPU that is NaN or infinite",
    "backward_end": "(roots) after backward() returned",
    "backward_failed": "(roots, error) backward() raised",
    "grad_begin": "(outputs, inputs) before torch.autograd.grad",
    "grad_end": "(outputs, inputs, gradients) after torch.autograd.grad returned",
    "loss": "(name, function, args, kwargs, result) a functional loss returned",
    "evaluation_loss": "(the same) and gradients are off",
    "root_begin": "(module, args, kwargs) an outermost module is called, gradients on",
    "root_end": "(module, result) and returned",
    "module_begin": "(module) any module is called inside a root, gradients on",
    "module_end": "(module, args, result) and returned",
    "activation": "(name, input, result) a functional activation returned",
    "batch": "(loader, batch, waited) a DataLoader handed out a batch after `waited` seconds",
    "loader_created": "(loader) after its constructor returned",
    "loader_begin": "(loader) iteration over a DataLoader starts",
    "loader_begun": "(loader, iterator) iteration over it has begun",
    "indices": "(loader, iterator, indices) the indices of a batch were drawn; None: no more are; "
    "the loader is known only while its iterator is being built",
    "worker_ready": "(worker) in a worker process of a loader, before its first sample",
    "loader_end": "(iterator) a DataLoader has no more batches",
    "scheduler_created": "(scheduler) after its constructor returned",
    "scheduler_step": "(scheduler, given) the user's scheduler.step(given) returned; or None",
    "clip": "(kind, limit, parameters, total) gradients were clipped; total is None by value",
    "scaled": "(original, scaled) GradScaler.scale multiplied a loss",
    "divided": "(original, part) a trick divided a loss before its backward pass",
    "unscaled": "(scaler, optimizer) after GradScaler.unscale_ by the user",
    "scaler_step": "(scaler, optimizer) before GradScaler.step",
    "gathered": "(batches) a trick has gathered so many batches of the script's for this step",
    "scaler_update": "(scaler) after GradScaler.update",
    "autocast": "(device_type, dtype, enabled) an autocast region was entered",
    "module_built": "(module) the constructor of torch's base class returned: nothing is in it yet",
    "mode": "(module, training) Module.train or .eval was called on a module",
    "gradients_off": "(by_user) a region without gradients was entered, by the user or not",
    "constant_init": "(name, tensor) torch.nn.init gave every element of a tensor the same value",
    "load_state_begin": "(owner, state) a module's or optimizer's load_state_dict is called",
    "load_state_failed": "(owner, error) and raised",
    "load_state": "(owner, result) a module's or optimizer's load_state_dict returned",
    "seed": "(kind, value) a random generator was seeded",
    "compile": "(target) torch.compile was called",
    "hook_registered": "(kind) the user put an autograd hook on a tensor or module",
    "transform": "(name) a torch.func transform such as grad was applied",
    "process_group": "(rank, world, backend) init_process_group returned",
    "values_read": "(tensor) Python takes all values out of a tensor",
    "checkpointing": "() activation checkpointing was used",
    "evaluation_root": "(module, args, kwargs) an outermost module is called, gradients off",
    "root_found": "(module) a root module was called for the first time",
    "training_found": "(training, optimizer) an optimizer took its first step",
}

FILTERS = {
    "loss": "((args, kwargs), name) before a functional loss is computed",
    "optimizer_arguments": "((groups, defaults), optimizer) before it is built; groups is a list",
    "root_call": "((args, kwargs), module) before an outermost module is called",
    "root_result": "(result, module) what an outermost module gave back",
    "batch": "(batch, loader) what a DataLoader hands out",
    "backward": "(roots) what backward() is called on",
    "seed": "(value, kind) what a random generator is seeded with",
    "step": "(proceed, optimizer) whether the optimizer's own step code is to run: True or False",
}
"""Where a trick may change a value; empty lists cost one attribute read."""


AT_EVERY_STEP = frozenset(
    ("backward_begin", "backward_end", "step_begin", "gradients_ready", "step_end")
)
"""Between samples nobody but the clock listens to these."""


class Clock(Protocol):
    """What counts the steps.

    While nobody else listens to what happens at every step, seams call these two directly. Beside a
    real model our code is never in the caches: a call saved is up to a microsecond saved.
    """

    def on_backward_begin(self, roots: Any, kept: Any) -> None:
        """Gradients are about to be computed."""

    def on_step_end(self, optimizer: Any) -> None:
        """An optimizer has stepped."""


class Switch(Protocol):
    """A seam that costs too much to be always in place: probes turn it on when they sample."""

    def start(self) -> None:
        """Puts the seam in place; does nothing when it is."""

    def stop(self) -> None:
        """Takes the seam away; does nothing when it is not there."""


class Hub:
    """Carries events from seams to listeners; an error in a listener never leaves it.

    Listeners are plain callables kept in one list per event, so that a seam whose list is empty
    costs one attribute read.
    """

    def __init__(self, on_error: ErrorListener | None = None) -> None:
        self._on_error = on_error
        self._seen: set[str] = set()
        self.listeners: dict[str, list[Listener]] = {name: [] for name in EVENTS}
        self.filters: dict[str, list[Listener]] = {name: [] for name in FILTERS}
        self.around: dict[str, list[Listener]] = {"root_call": [], "loss": []}
        self.switches: dict[str, Switch] = {}
        self.on_demand: dict[str, Switch] = {}
        """By event: seams that are in place only while someone listens to it."""
        self.fast_clock: Clock | None = None
        """The clock, as long as nobody else listens to what happens at every step."""
        self._clock: Clock | None = None
        self._others = 0
        self.trick_switches: dict[str, Any] = {}
        self._acting: set[Listener] = set()
        self._silent = False
        self.thread: int | None = None
        """The one that is heard; None for any."""
        self.in_backward = 0

    def keep_time(self, clock: Clock) -> None:
        """Makes this the clock, before it adds its listeners by `on` as all others do."""
        self._clock = clock

    def on(
        self, event: str, listener: Listener, *, first: bool = False, acting: bool = False
    ) -> None:
        """Adds a listener behind, or before, those there are; KeyError for an unknown event.

        An acting listener belongs to a trick: it stands before all that only look, and what it
        raises is not contained, since a run whose trick failed silently would prove nothing.
        """
        known = self.listeners[event]
        last = len(known)
        if acting:
            last = 1 + max(
                (i for i, other in enumerate(known) if other in self._acting), default=-1
            )
        known.insert(0 if first else last, listener)
        if acting:
            self._acting.add(listener)
        if event in AT_EVERY_STEP:
            self._count(listener, +1)
        elif len(known) == 1 and event in self.on_demand:
            self.on_demand[event].start()

    def off(self, event: str, listener: Listener) -> None:
        """Removes a listener that was added before."""
        known = self.listeners[event]
        known.remove(listener)
        self._acting.discard(listener)
        if event in AT_EVERY_STEP:
            self._count(listener, -1)
        elif not known and event in self.on_demand:
            self.on_demand[event].stop()

    def _count(self, listener: Listener, more: int) -> None:
        owner = getattr(listener, "__self__", None)
        if owner is None or owner is not self._clock:  # tricks are there before the clock is
            self._others += more
        self._choose_fast_clock()

    def _choose_fast_clock(self) -> None:
        self.fast_clock = None if self._others or self._silent else self._clock

    @contextmanager
    def silence(self) -> Iterator[None]:
        """Nothing is announced: what happens now is a measurement of ours."""
        before, self._silent = self._silent, True
        self._choose_fast_clock()
        try:
            yield
        finally:
            self._silent = before
            self._choose_fast_clock()

    def emit(self, event: str, *facts: Any) -> None:
        """Tells every listener of the event, containing what they raise (not a clean stop)."""
        if self._silent or (self.thread is not None and self.thread != get_ident()):
            return
        for listener in tuple(self.listeners[event]):
            try:
                listener(*facts)
            except Exception as error:
                if listener in self._acting:
                    raise
                where = f"{event} in {getattr(listener, '__qualname__', listener)}"
                owner = getattr(listener, "__self__", None)
                self.contain(where, error, by=getattr(owner, "name", ""))

    @property
    def acted_on(self) -> bool:
        """Whether a trick acts on the run."""
        return bool(self._acting)

    def own_thread(self) -> None:
        """From now on only this thread is heard: what another one trains would mix with it."""
        if self.thread is None:
            self.thread = get_ident()

    def forked(self) -> None:
        """In a forked child: any thread may be the one that trains, and no backward pass is on."""
        self.thread, self.in_backward = None, 0

    def close(self) -> None:
        """Goes deaf for good, for functions of ours that someone still holds."""
        self._clock = self.fast_clock = None
        for known in (*self.listeners.values(), *self.filters.values()):
            known.clear()

    def apply_filters(self, name: str, value: Any, *facts: Any) -> Any:
        """The value after every filter of this name, in order; nothing they raise is contained."""
        for change in tuple(self.filters[name]):
            value = change(value, *facts)
        return value

    def contexts(self, name: str, *facts: Any) -> AbstractContextManager[Any]:
        """All contexts that tricks put around a root call or a loss, entered in order.

        To be entered before the next one is asked for: one alone is given as it is.
        """
        around = self.around[name]
        if len(around) == 1:
            context: AbstractContextManager[Any] = around[0](*facts)
            return context
        stack = ExitStack()
        for make in around:
            stack.enter_context(make(*facts))
        return stack

    def contain(self, where: str, error: BaseException, *, by: str = "") -> None:
        """Reports an error of ours once per place and kind, and goes on; `by` names the probe."""
        key = f"{where}: {type(error).__name__}: {error}"
        if key not in self._seen and len(self._seen) < 200:
            self._seen.add(key)
            if self._on_error is not None:
                self._on_error(where, error, by)


_running: list[Hub] = []


def set_running(hub: Hub | None) -> None:
    """Notes the hub of the session that watches this process, or that there is none any more."""
    _running[:] = [] if hub is None else [hub]


def running() -> Hub | None:
    """The hub of the session that watches this process, also when it was loaded as `_assay`."""
    if not _running and __name__.startswith("assay.") and "_assay.seams.hub" in sys.modules:
        hub: Hub | None = sys.modules["_assay.seams.hub"].running()
        return hub
    return _running[0] if _running else None


interpreted(Hub.emit, below=True)  # listeners are ours
