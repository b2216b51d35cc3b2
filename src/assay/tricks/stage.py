"""Where a trick acts: the hub, restricted to the models and optimizers that are meant."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from ..seams.hub import Hub
from ..seams.patch import Patches
from .base import TrickError
from .wrappers import bare


class Stage:
    """What a trick is given to act through.

    Args:
        hub: carries what the seams announce.
        objects: models and optimizers that are meant; None for all of the process.
        note: records what a trick did, as `note(kind, **facts)`.
        steps: how many steps the run was asked to take; None if nobody said.
        refused: told when a trick does not fit; without it a TrickError is raised.
    """

    def __init__(
        self,
        hub: Hub,
        objects: tuple[Any, ...] | None = None,
        note: Callable[..., None] | None = None,
        steps: int | None = None,
        refused: Callable[[str], None] | None = None,
    ) -> None:
        import torch

        self.hub = hub
        self.steps, self._refused = steps, refused
        self.patches = Patches()
        self._note = note
        self._waiting: list[Callable[[], None]] = []
        self._all = objects is None
        given = objects or ()
        self.models: list[Any] = [bare(o) for o in given if isinstance(o, torch.nn.Module)]
        replicated = torch.nn.parallel.DistributedDataParallel
        self.wrappers: list[Any] = [o for o in given if isinstance(o, replicated)]
        self.optimizers: list[Any] = [o for o in given if not isinstance(o, torch.nn.Module)]

    def on(self, event: str, act: Callable[..., None]) -> None:
        """Acts when an event is announced, before any probe hears of it."""
        self.hub.on(event, act, acting=True)
        self.patches.on_undo(lambda: self.hub.off(event, act))

    def once(self, events: Sequence[str], act: Callable[[], None]) -> Callable[[], None]:
        """Acts when one of these events is announced next, before all others that hear of it.

        Returns:
            What calls it off. Until then, and until it has acted, the events cost a step something.
        """

        def call_off() -> None:
            if call_off in self._waiting:
                self._waiting.remove(call_off)
                for event in events:
                    self.hub.off(event, now)

        def now(*_: Any) -> None:
            call_off()
            act()

        self._waiting.append(call_off)
        for event in events:
            self.hub.on(event, now, first=True, acting=True)
        return call_off

    def change(self, name: str, filter: Callable[..., Any], *, first: bool = False) -> None:
        """Passes a value through a filter (see `Filters`)."""
        filters = self.hub.changes.filters[name]
        filters.insert(0 if first else len(filters), filter)
        self.patches.on_undo(lambda: filters.remove(filter))

    def each_optimizer(self, act: Callable[[Any], None]) -> None:
        """Acts on every optimizer that is meant: those there are, and each that is built later."""
        for optimizer in self.optimizers:
            act(optimizer)
        if self._all:
            self.on("optimizer_created", act)

    def each_model(self, act: Callable[[Any], None], *, first: bool = False) -> None:
        """Acts on every root model that is meant, before an optimizer is built from its parameters.

        Parameters that the act replaces are exchanged in what the optimizer is given: those that
        the model no longer has are left out, new ones join its first group. A model that no
        optimizer is built from is met at its first call.

        With `first` the act is before those of all other tricks: the model is as the script has it.
        """
        import torch

        met: weakref.WeakSet[Any] = weakref.WeakSet()

        def act_once(model: Any) -> None:
            model = bare(model)
            if model not in met:
                met.add(model)
                with self.hub.changes.switches["root"].aside():
                    act(model)

        for model in self.models:
            act_once(model)
        if not self._all:
            return
        construction = self.hub.changes.switches["construction"]
        construction.start()

        def before_optimizer(given: Any, optimizer: Any) -> Any:
            groups, defaults = given
            flat = [p for g in groups for p in (g["params"] if isinstance(g, dict) else [g])]
            for model in construction.roots(flat):
                groups = _after_surgery(model, act_once, groups)
            return groups, defaults

        def before_call(given: Any, module: Any) -> Any:
            new = bare(module) not in met and torch.is_grad_enabled()
            if new and any(p.requires_grad for p in module.parameters()):
                act_once(module)
            return given

        self.change("optimizer_arguments", before_optimizer, first=first)
        self.root_calls(before_call)

    def root_calls(
        self, before: Callable[..., Any] | None = None, after: Callable[..., Any] | None = None
    ) -> None:
        """Passes calls of outermost modules through filters, gradients on or off."""
        self.hub.changes.switches["root"].start()
        self.patches.on_undo(self.hub.changes.switches["root"].stop)
        if before is not None:
            self.change("root_call", before)
        if after is not None:
            self.change("root_result", after)

    def around(self, name: str, make: Callable[..., Any]) -> None:
        """Puts a context around each root call or loss; `make` gives one a call."""
        if name == "root_call":
            self.root_calls()
        contexts = self.hub.changes.around[name]
        contexts.append(make)
        self.patches.on_undo(lambda: contexts.remove(make))

    def hold_steps(self, decide: Callable[[Any], bool], *, first: bool = False) -> None:
        """Lets an optimizer that is meant step only if `decide(optimizer)` says so.

        With `first` it is asked before all others, which then hear only of the steps it lets
        through.
        """
        gate = self.hub.changes.switches["step"]
        gate.start()
        self.patches.on_undo(gate.stop)
        for optimizer in self.optimizers:
            gate.cover(optimizer)

        def filter(proceed: Any, optimizer: Any) -> bool:
            return bool(proceed) and (not self.meant(optimizer) or decide(optimizer))

        self.change("step", filter, first=first)

    def meant(self, optimizer: Any) -> bool:
        """Whether this optimizer is one that the trick is for."""
        return self._all or optimizer in self.optimizers

    def meant_model(self, module: Any) -> bool:
        """Whether this root module is one that the trick is for."""
        return self._all or bare(module) in self.models

    def note(self, kind: str, **facts: Any) -> None:
        """Records what was done."""
        if self._note is not None:
            self._note(kind, **facts)

    def refuse(self, trick: str, why: str) -> NoReturn:
        """Stops: the trick does not fit this script."""
        line = f"trick {trick}: {why}"
        if self._refused is not None:
            self._refused(line)
        raise TrickError(line)

    def leave(self) -> None:
        """Undoes all that was done through this stage, last first."""
        self.patches.undo()
        while self._waiting:
            self._waiting[-1]()


def _after_surgery(model: Any, act: Callable[[Any], None], groups: list[Any]) -> list[Any]:
    """Acts on the model and exchanges the parameters that it replaced, group by group."""
    groups = [{**g, "params": list(g["params"])} if isinstance(g, dict) else g for g in groups]
    before = {id(p): p for p in model.parameters()}
    act(model)
    after = {id(p): p for p in model.parameters()}
    gone, new = before.keys() - after.keys(), [p for i, p in after.items() if i not in before]
    if not gone and not new:
        return groups
    if not groups or not isinstance(groups[0], dict):
        return [p for p in groups if id(p) not in gone] + new
    for group in groups:
        if new and any(id(p) in before for p in group["params"]):
            group["params"] += new
            new = []
        group["params"] = [p for p in group["params"] if id(p) not in gone]
    return groups
