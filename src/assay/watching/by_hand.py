"""Steps without an optimizer: a backward pass, and then a change of the weights."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from time import perf_counter
from typing import Any

import torch

from ..seams.callsite import user_site
from ..seams.hub import Hub
from .clock import Clock
from .facts import Facts
from .leaves import Leaf, leaves_below
from .measures import (
    changed_shares,
    fingerprints,
    largest,
    nonfinite_share,
    norm,
    norms,
    stored,
    total,
    zero_share,
)
from .sampling import Sampling
from .training import ByHand

PATIENCE = 64
"""Backward passes that an optimizer, once built, is given to take its first step: inner loops such
as adversarial examples change leaves too, and accumulation is longer than this only rarely."""

QUIET = 4
"""After so many passes without a step the graph is looked through anew: leaves may have changed."""

LONG_QUIET = 64
"""After so many it is looked through at every 16th pass only: it takes longer than a small pass."""

WITNESSES = 16
WITNESS_ELEMENTS = 4096
COPY_BYTES_AT_MOST = 256 * 2**20
ALIGNED = -0.3
"""A new leaf in an old one's place is an update only if their difference points down the gradient
and is no longer than the leaf itself: two batches of data lie further apart, in any direction."""


class HandSteps:
    """Finds the steps of a script that changes its weights itself, and records them as a training.

    A change is noticed at the next sign of life: a call of a root module, a loss, the next backward
    pass, the end. As soon as an optimizer steps it goes away for good.
    """

    name = "clock"

    def __init__(self, hub: Hub, clock: Clock, facts: Facts, sampling: Sampling) -> None:
        self._hub, self._clock, self._facts, self._sampling = hub, clock, facts, sampling
        self._patience = 0
        self._created: list[weakref.ref[Any]] = []
        self._stand_in = ByHand()
        self._leaves: list[Leaf] = []
        self._same = True
        self._passes = self._quiet = 0
        self._loss: float | torch.Tensor | None = None
        self._measured: dict[str, dict[str, torch.Tensor | float]] = {}
        self._stale: torch.Tensor | None = None
        self._listeners: list[tuple[str, Callable[..., None]]] = [
            ("optimizer_created", self._on_optimizer_created),
            ("step_begin", self._off),
            ("step_skipped", self._off),
            ("root_begin", self._on_sign),
            ("loss", self._on_sign),
            ("backward_begin", self._on_backward_begin),
            ("backward_end", self._on_backward_end),
            ("grad_begin", self._on_grad_begin),
            ("grad_end", self._on_grad_end),
        ]

    def attach(self) -> None:
        """Listens before all others, until an optimizer steps."""
        for event, listener in self._listeners:
            self._hub.on(event, listener)

    def forked(self) -> None:
        """Forgets, in a forked child, what the parent process did."""
        self._forget()
        self._stand_in = ByHand()

    def finish(self) -> None:
        """Looks for a last step, which no later sign of life follows."""
        if self._listeners and self._changed():
            self._step(last=True)

    # -- what seams say -------------------------------------------------------------------------

    def _on_optimizer_created(self, optimizer: Any) -> None:
        self._patience = PATIENCE
        del self._created[:-15]
        self._created.append(weakref.ref(optimizer))

    def _off(self, optimizer: Any, *_: Any) -> None:
        for event, listener in self._listeners:
            self._hub.off(event, listener)
        self._listeners = []
        self._forget()

    def _on_sign(self, *_: Any) -> None:
        if self._sampling.suspended:
            return  # nothing is sampled that would have to know; the next pass is soon enough
        if self._leaves and self._same and self._changed():
            self._step()

    def _on_backward_begin(self, roots: Any, kept: Any) -> None:
        if not self._waits():
            given = roots if isinstance(roots, (tuple, list)) else [roots]
            self._begin(lambda: leaves_below(given))
            if self._sampling.active:
                old = [leaf.grad for known in self._leaves if (leaf := known.ref()) is not None]
                left = total(norms([stored(g) for g in old if g is not None]))
                self._stale = left if self._stale is None else torch.minimum(self._stale, left)

    def _on_backward_end(self, roots: Any) -> None:
        leaves = [leaf.ref() for leaf in self._leaves]
        self._end(leaves, [None if leaf is None else leaf.grad for leaf in leaves])

    def _on_grad_begin(self, outputs: Any, inputs: Any) -> None:
        given = [inputs] if isinstance(inputs, torch.Tensor) else list(inputs)
        if self._waits() or not all(
            isinstance(leaf, torch.Tensor) and leaf.is_leaf and leaf.requires_grad for leaf in given
        ):
            return
        self._begin(lambda: given, given=True)
        root = outputs[0] if isinstance(outputs, (tuple, list)) and outputs else outputs
        if isinstance(root, torch.Tensor) and root.numel() == 1:
            self._loss = root.item() if root.is_cpu else root.detach().reshape(())

    def _on_grad_end(self, outputs: Any, inputs: Any, gradients: Any) -> None:
        given = [inputs] if isinstance(inputs, torch.Tensor) else list(inputs)
        if self._leaves and any(known.ref() is given[0] for known in self._leaves):
            self._end(given, list(gradients))

    # -- a pass and what follows it -------------------------------------------------------------

    def _waits(self) -> bool:
        if self._sampling.compiled:  # a compiled step is announced by nobody
            return False
        self._patience -= 1
        return self._patience >= 0

    def _begin(self, find: Callable[[], list[torch.Tensor]], *, given: bool = False) -> None:
        """Looks, as a pass begins, for a step since the last one, and for the leaves there are."""
        start, clock = perf_counter(), self._clock
        if self._leaves and self._same and self._changed():
            self._step()
        if self._stand_in.passed_at is None:
            self._stand_in.passed_at = user_site(2)
        self._passes += 1
        self._quiet += 1
        known_well = self._same and self._leaves and self._passes > 8
        if not given and known_well and not self._is_to_look():
            found = [leaf for known in self._leaves if (leaf := known.ref()) is not None]
        else:
            found = find()
        old = {id(leaf): known for known in self._leaves if (leaf := known.ref()) is not None}
        self._same = not self._leaves or any(id(leaf) in old for leaf in found)
        if not self._same and self._replaced(found):
            self._step(found)
        if clock.stepped:
            clock.next_iteration()
        if self._same:  # passes over different leaves (two networks) are of one training
            there = {id(leaf) for leaf in found}
            others = [known for i, known in old.items() if i not in there]
            self._leaves = [old.get(id(leaf)) or Leaf(leaf) for leaf in found] + others
        else:
            self._leaves = [Leaf(leaf) for leaf in found]
        self._copy(found)
        self._sampling.spent(perf_counter() - start)

    def _is_to_look(self) -> bool:
        quiet = self._quiet
        return quiet >= QUIET and (quiet < LONG_QUIET or quiet % 16 == 0)

    def _copy(self, leaves: list[torch.Tensor]) -> None:
        """Copies all weights in a sampled iteration, otherwise a few small ones."""
        size = sum(leaf.numel() * leaf.element_size() for leaf in leaves)
        whole = self._sampling.active and size <= COPY_BYTES_AT_MOST
        small = sorted(self._leaves, key=lambda known: known.elements)
        wanted = set(self._leaves if whole else small[:1])
        wanted |= {known for known in small[:WITNESSES] if known.elements <= WITNESS_ELEMENTS}
        for known in self._leaves:
            leaf = known.ref()
            if known not in wanted or leaf is None:
                known.before = None
            elif known.before is None:
                known.before = leaf.detach().clone()

    def _end(self, leaves: list[Any], gradients: list[Any]) -> None:
        """Notes, as a pass has ended, the gradients, before the user does anything to them."""
        start = perf_counter()
        given = {id(leaf): g for leaf, g in zip(leaves, gradients, strict=False) if g is not None}
        if not self._same or self._passes <= 1:
            for known in self._leaves:
                g = given.get(id(known.ref()))
                if known.before is not None and g is not None:
                    known.gradient = stored(g)
        if self._sampling.active:
            with torch.set_grad_enabled(False):
                names = self._names()
                self._measured = {
                    names[i]: _measures(gradient)
                    for i, gradient in ((i, stored(g)) for i, g in given.items())
                    if i in names and gradient.numel()
                }
        self._sampling.spent(perf_counter() - start)

    def _changed(self) -> bool:
        with torch.set_grad_enabled(False):
            return any(known.changed() for known in self._leaves)

    def _replaced(self, found: list[torch.Tensor]) -> bool:
        """Whether new leaves stand where the old ones stood, a step further down."""
        if len(found) != len(self._leaves):
            return False
        with torch.set_grad_enabled(False):
            for leaf, known in zip(found, self._leaves, strict=True):
                before, gradient = known.before, known.gradient
                if before is None or gradient is None:
                    continue
                if before.shape != leaf.shape or gradient.shape != leaf.shape:
                    return False
                moved = leaf.detach() - before
                along = torch.cosine_similarity(moved.flatten(), gradient.flatten(), dim=0)
                length = norm(before)
                near = bool(length == 0) or bool(norm(moved) < length)
                if near and bool(along < ALIGNED):
                    return True
        return False

    def _step(
        self,
        now: list[torch.Tensor] | None = None,
        *,
        last: bool = False,
    ) -> None:
        """Writes the numbers of a step that was made, and tells everyone that it ended."""
        clock, facts = self._clock, self._facts
        current: list[Any] = [*now] if now else [known.ref() for known in self._leaves]
        self._stand_in.hold([leaf for leaf in current if leaf is not None])
        owner = self._owner() or self._stand_in
        training = facts.training(owner)
        if self._loss is not None:
            clock.add_loss(self._loss)
        if self._sampling.active:
            facts.learn_names(self._stand_in)
            self._write(current, first=not training.step)
        self._loss, self._measured, self._stale, self._quiet = None, {}, None, 0
        for known in self._leaves:
            known.before = known.gradient = None
        if not facts.journal.is_open:
            clock.open()
        if last:  # probes have had their end
            clock.note_step(owner)
        else:
            self._hub.emit("step_end", owner)

    def _write(self, current: list[Any], *, first: bool) -> None:
        put, names = self._facts.put, self._names(current)
        with torch.set_grad_enabled(False):
            for place, measured in self._measured.items():
                for signal, value in measured.items():
                    put(signal, place, value)
            if self._measured:
                lengths = [torch.as_tensor(m["grad_norm"]) for m in self._measured.values()]
                put("grad_norm", "", total(lengths))
            if self._stale is not None:
                put("stale_grad_norm", "", self._stale)
            moved = []
            for known, leaf in zip(self._leaves, current, strict=True):
                if leaf is not None and known.before is not None:
                    place, length = names[id(leaf)], norm(known.before)
                    put("weight_norm", place, length)
                    put("weight_nonfinite_share", place, nonfinite_share(known.before, length))
                    put("update_norm", place, norm(leaf.detach() - known.before))
                    moved.append((place, (leaf.detach(), known.before)))
            if moved:
                before = [(place, old) for place, (_, old) in moved]
                for place, print_ in fingerprints(before, each=first).items():
                    put("weight_fingerprint", place, print_)
                shares, whole = changed_shares([pair for _, pair in moved])
                for (place, _), share in zip(moved, shares, strict=True):
                    put("weight_changed_share", place, share)
                put("weight_changed_share", "", whole)

    def _names(self, leaves: list[Any] | None = None) -> dict[int, str]:
        name = self._facts.names.parameter
        leaves = leaves or [known.ref() for known in self._leaves]
        return {
            id(leaf): name(leaf) or f"group 0 parameter {position}"
            for position, leaf in enumerate(leaves)
            if leaf is not None
        }

    def _owner(self) -> Any:
        """Returns the optimizer of these leaves: its step was compiled, so nobody announced it."""
        leaves = {id(leaf) for known in self._leaves if (leaf := known.ref()) is not None}
        for ref in self._created if self._sampling.compiled else ():
            optimizer = ref()
            if optimizer is not None and any(
                id(p) in leaves for group in optimizer.param_groups for p in group["params"]
            ):
                return optimizer
        return None

    def _forget(self) -> None:
        self._leaves, self._measured, self._stale, self._loss = [], {}, None, None


def _measures(gradient: torch.Tensor) -> dict[str, torch.Tensor | float]:
    """Returns the signals of one leaf's gradient."""
    length = norm(gradient)
    return {
        "grad_norm": length,
        "grad_max": largest(gradient),
        "grad_zero_share": zero_share(gradient),
        "grad_nonfinite_share": nonfinite_share(gradient, length),
    }
