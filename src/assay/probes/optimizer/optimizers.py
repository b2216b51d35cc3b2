"""Probe: every optimizer that was built, and whether one waits for a step that never comes."""

from __future__ import annotations

import weakref
from typing import Any, ClassVar

import torch

from ...seams.callsite import user_site
from ...watching.probe import Probe

BUILT_AT_MOST = 256
"""Optimizers written in one run; a script that builds one for each task writes the first ones."""
WAITING_AT_MOST = 16
NAMES_AT_MOST = 50
FIRST_WRITTEN = 4
"""Passes after which an optimizer counts as waiting: each one waits for its first step."""
WITNESSES, WITNESS_ELEMENTS = 16, 1024


class Waiting:
    """One optimizer that has not stepped: its passes so far, and copies of a few of its weights."""

    def __init__(self, optimizer: Any, number: int) -> None:
        self.optimizer = weakref.ref(optimizer)
        self.number = number
        self.passes = self.with_gradient = 0
        self._witnesses: list[tuple[weakref.ref[Any], torch.Tensor]] = []
        self._flight: tuple[Any, torch.Tensor] | None = None
        self.moved: bool | None = None

    def look(self, waiting: list[torch.Tensor]) -> None:
        """Notes one backward pass after which these parameters of its had a gradient."""
        self.passes += 1
        self.with_gradient += bool(waiting)
        if waiting and not self._witnesses:
            self._witnesses = [
                (weakref.ref(p), p.detach().reshape(-1)[:WITNESS_ELEMENTS].clone())
                for p in waiting[:WITNESSES]
                if p.layout is torch.strided
            ]
        self._arrive()
        if is_milestone(self.passes):
            self._compare()

    def _compare(self) -> None:
        """Whether someone else moves the weights; on an accelerator known by the next pass."""
        changed = [
            (p.detach().reshape(-1)[:WITNESS_ELEMENTS] != before).any()
            for ref, before in self._witnesses
            if (p := ref()) is not None and p.device == before.device
        ]
        if not changed or self.moved or self._flight is not None:
            return
        flag = torch.stack([one.to(changed[0].device) for one in changed]).any()
        if flag.is_cpu:
            self.moved = bool(flag)
            return
        host = flag.to("cpu", non_blocking=True)
        event = torch.Event(device=flag.device)
        event.record()
        self._flight = event, host

    def _arrive(self) -> None:
        if self._flight is not None and self._flight[0].query():
            self.moved, self._flight = bool(self._flight[1]), None


class Optimizers(Probe):
    """Writes a `built` line for each optimizer, and `waits` lines for those that never stepped.

    `built`: number, class, the user's line, parameters and elements of each group. `waits`, on
    sampled passes number 4, 8, 16 and so on: how many passes were looked at, after how many of
    them parameters that no stepping optimizer holds had a gradient, which, whether a model was in
    training mode, and whether the weights moved all the same (by hand, or by an optimizer that is
    not torch's). What steps later needs no more lines: its `optimizer` line tells its number.

    Signal `backward_passes`, of each sampled step; event `backward` for each line that goes
    backward on sampled iterations; event `stalled` where passes go on and no step follows.
    """

    name = "optimizers"
    always: ClassVar = ("optimizer_created", "training_found", "stalled")
    sampled: ClassVar = ("backward_begin", "backward_end", "step_end")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._waiting: list[Waiting] = []
        self._written = self._passes = 0

    def iteration_begins(self) -> None:
        """Counts the passes of one step."""
        self._passes = 0

    def on_optimizer_created(self, optimizer: Any) -> None:
        """Writes it down at once: it may never step."""
        number = self.watch.optimizers.of(optimizer)
        if self._written >= BUILT_AT_MOST:
            return
        self._written += 1
        groups = optimizer.param_groups
        self.watch.line(
            "built",
            n=number,
            cls=type(optimizer).__name__,
            site=user_site(2),
            groups=[
                {"count": len(g["params"]), "elements": sum(p.numel() for p in g["params"])}
                for g in groups
            ],
        )
        self._waiting = [w for w in self._waiting if w.optimizer() is not None]
        if len(self._waiting) < WAITING_AT_MOST:
            self._waiting.append(Waiting(optimizer, number))

    def on_training_found(self, training: Any, optimizer: Any) -> None:
        """It has stepped: it waits no longer."""
        self._waiting = [w for w in self._waiting if w.optimizer() is not optimizer]

    def on_backward_begin(self, roots: Any, kept: bool) -> None:
        """Notes the line, and one pass more."""
        self._passes += 1
        self.watch.event_once("backward", user_site(2))

    def on_step_end(self, optimizer: Any) -> None:
        """Writes how many passes the step was taken for."""
        if self._passes:
            self.watch.put("backward_passes", "", float(self._passes))

    def on_stalled(self, passes: int, finite: bool | None) -> None:
        """Notes that passes go on, and no step comes."""
        last = self.watch.trainings[-1] if self.watch.trainings else None
        training = self._in_training()
        self.watch.event("stalled", last, passes=passes, training=training, finite=finite)

    def on_backward_end(self, roots: Any) -> None:
        """Looks whether a pass left gradients for an optimizer that has not stepped."""
        if not self._waiting:
            return
        stepping = {
            id(p)
            for training in self.watch.trainings
            if (optimizer := training.optimizer()) is not None
            for group in optimizer.param_groups
            for p in group["params"]
        }
        for entry in self._waiting:
            optimizer = entry.optimizer()
            if optimizer is None:
                continue
            given = [
                p
                for group in optimizer.param_groups
                for p in group["params"]
                if p.grad is not None and id(p) not in stepping
            ]
            entry.look(given)
            if given and is_milestone(entry.passes):
                self._write(entry, given)

    def _write(self, entry: Waiting, given: list[torch.Tensor]) -> None:
        names = self.watch.names
        self.watch.line(
            "waits",
            n=entry.number,
            passes=entry.passes,
            with_gradient=entry.with_gradient,
            names=[name for p in given[:NAMES_AT_MOST] if (name := names.parameter(p))],
            count=len(given),
            training=self._in_training(),
            moved=entry.moved,
            site=user_site(2),
        )

    def _in_training(self) -> bool | None:
        """Returns whether a model is in training mode; None if none is known."""
        modes = [root.training for root in self.watch.names.roots]
        return any(modes) if modes else None


def is_milestone(passes: int) -> bool:
    """Whether a count is 4, 8, 16, ...: few lines, and the last is not far behind."""
    return passes >= FIRST_WRITTEN and passes & (passes - 1) == 0
