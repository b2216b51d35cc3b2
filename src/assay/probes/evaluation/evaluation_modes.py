"""Probe: whether an evaluation works as training does: dropout, batch norm, graphs."""

from __future__ import annotations

import sys
import weakref
from typing import Any, ClassVar

import torch

from ...replay.structure import tensors
from ...seams.callsite import OURS, is_user_file, site_of
from ...seams.patch import INTERNAL
from ...watching.probe import Probe
from ..run.notes import depends_on_mode
from .evaluation_passes import EvaluationPasses, Follower, Pass, Site

NAMES_AT_MOST = 50
NUMBERS_AT_LEAST = 4
"""Of a row; shorter ones are the same by chance."""


class _Mark:
    """Lives as long as the graph that it is put on."""


class _Seen:
    """What the passes of one evaluation through one module were like."""

    def __init__(self) -> None:
        self.share: float | None = None
        self.first: torch.Tensor | None = None
        self.call: Any = None
        self.announced = 0
        self.again: Any = 0
        self.graphs = self.kept = 0
        self.marks: list[weakref.ref[_Mark]] = []
        self.used = self.sampled = False
        self.facts: list[dict[str, Any]] = []

    def mark(self, node: Any) -> None:
        """Marks a graph: is it held later, and does a backward pass go through it after all?"""
        mark = _Mark()
        node.metadata["assay"] = mark
        node.register_prehook(self._use)
        self.graphs += 1
        self.marks.append(weakref.ref(mark))

    def _use(self, gradients: Any) -> None:
        self.used = True


class EvaluationModes(Probe, Follower):
    """Looks at the modes in which evaluations call a model, and at the graphs that they build.

    Signals, by the module that is called: `eval_training_share`, of the modules that compute
    something else in training than in evaluation, and of the calls of dropout by function, the
    share that worked as in training; `eval_same_input`, how often what worked so was asked for the
    same again by the same call, as Monte Carlo dropout does in a loop (an accuracy and a loss come
    by two calls); `eval_graphs` and `eval_graphs_kept`. Event
    `evaluation_pass` with the user's lines. Dropout that a line turns on by `training=True` is
    meant to be on, and is left out.
    """

    name = "evaluation_modes"
    always: ClassVar = ()

    def __init__(self, watch: Any) -> None:
        watch.shared(EvaluationPasses).follow(self)
        super().__init__(watch)
        self._recorder = watch.new_recorder()
        self._seen: dict[str, _Seen] = {}
        self._modal: dict[int, str] = {}
        self._off = 0  # calls of dropout in this pass
        self._on: list[Site] = []
        self._waiting: list[tuple[int, int, str, _Seen]] = []

    def pass_begins(self, one: Pass) -> None:
        """Notes modes, compares the input with the first one, and counts graphs that are held."""
        seen = self._seen.setdefault(one.place, _Seen())
        seen.sampled = seen.sampled or self.watch.sampling  # a sample holds what it looks at
        held = sum(mark() is not None for mark in seen.marks[:-1])  # the last is still in use
        seen.kept = max(seen.kept, held)
        if seen.share is None or seen.share > 0:
            self._compare(seen, one)
        if one.close:
            names = self.watch.names
            self._modal = {
                id(part): names.module(part) or type(part).__name__
                for part in one.module.modules()
                if depends_on_mode(part)
            }
            self._off, self._on = 0, []
            self.watch.listen("dropout", self._on_dropout)

    def pass_ends(self, one: Pass, result: Any) -> None:
        """Notes what was in use, and marks the graph of the result."""
        seen = self._seen[one.place]
        if one.close:
            self.watch.unlisten("dropout", self._on_dropout)
            self._note(seen, one)
        made = next((t for t in tensors(result) if t.grad_fn is not None), None)
        if one.grad and made is not None and made.grad_fn is not None:
            seen.mark(made.grad_fn)

    def evaluation_ends(self, sure: bool) -> None:
        """Writes what was seen."""
        self.watch.unlisten("dropout", self._on_dropout)  # where a pass has raised
        seen, self._seen = self._seen, {}
        if not sure:
            return
        last = self.watch.trainings[-1]
        for place, one in seen.items():
            if one.graphs:  # of a roll-out, whose loss is computed later, they are used
                self._waiting.append((last.index, last.step, place, one))
                self.watch.listen("backward_end", self._on_backward_end)
            else:
                self._put(place, one)
        self._recorder.close(last.index, last.step)

    def _put(self, place: str, one: _Seen) -> None:
        put = self._recorder.put
        for facts in one.facts:
            self.watch.event_once("evaluation_pass", str(facts), **facts)
        put("eval_graphs", place, one.graphs)
        if one.graphs and not one.sampled:
            put("eval_graphs_kept", place, one.kept)
        if one.share is not None:
            put("eval_training_share", place, one.share)
            if one.share > 0:
                put("eval_same_input", place, one.again)

    def _on_backward_end(self, roots: Any) -> None:
        """Training goes on: through those graphs, or not."""
        self.watch.unlisten("backward_end", self._on_backward_end)
        waiting, self._waiting = self._waiting, []
        for training, step, place, one in waiting:
            if not one.used:
                self._put(place, one)
                self._recorder.close(training, step)

    def finish(self) -> None:
        """Writes what has not arrived yet."""
        self._on_backward_end(None)
        self._recorder.flush_arrived(wait=True)

    def _note(self, seen: _Seen, one: Pass) -> None:
        modules = {id(part): part for part in one.module.modules()}
        active = [n for i, n in self._modal.items() if i in modules and modules[i].training]
        of = len(self._modal) + len(self._on) + self._off
        seen.share = (len(active) + len(self._on)) / of if of else 0.0
        seen.facts.append(
            {
                "module": one.place,
                "prefix": self.watch.names.prefix(one.module),
                "line": list(one.site) if one.site is not None else None,
                "training": one.module.training,
                "grad": one.grad,
                "active": active[:NAMES_AT_MOST],
                "dropouts": [list(site) for site in self._on[:NAMES_AT_MOST]],
            }
        )

    def _compare(self, seen: _Seen, one: Pass) -> None:
        given = next((t for t in tensors((one.args, one.kwargs)) if t.numel() and t.dim()), None)
        if given is None or given.layout is not torch.strided or given.is_complex():
            return
        total = given.sum(dtype=torch.float64 if given.is_cpu else torch.float32)
        if seen.first is None or one.announced != seen.announced:  # `eval()`: another evaluation
            seen.first, seen.call, seen.announced = total, one.call, one.announced
            row = given[0]
            many = len(given) > 1 and row.numel() >= NUMBERS_AT_LEAST
            if many and given.is_floating_point():
                twins = (given[1:] == row).reshape(len(given) - 1, -1).all(1)
                seen.again = seen.again + twins.sum()
        elif one.call == seen.call:
            seen.again = seen.again + (total == seen.first)

    def _on_dropout(self, name: str, rate: Any, training: Any, told: bool) -> None:
        """A dropout by function, maybe a module's that is no part of the model."""
        if not isinstance(rate, (int, float)) or rate <= 0:
            return
        frame, built = _caller()
        if frame is None:
            return
        if built is not None:
            if id(built) in self._modal:
                return  # known by its mode
        elif told and training:
            owner = frame.f_locals.get("self")
            if not isinstance(owner, torch.nn.Module) or not owner.training:
                return  # meant to be on
        if training:
            self._on.append(site_of(frame))
        else:
            self._off += 1


def _caller() -> tuple[Any, Any]:
    """Returns the user's frame that called a dropout, and the module of torch's that it called.

    Nothing where a library called it, which knows its modes.
    """
    frame: Any = sys._getframe(2)
    built = None
    while frame is not None:
        name = frame.f_code.co_filename
        if is_user_file(name):
            return frame, built
        owner = frame.f_locals.get("self")
        if isinstance(owner, torch.nn.modules.dropout._DropoutNd):
            built = owner
        elif built is None and name != INTERNAL and not name.startswith(OURS):
            return None, None
        frame = frame.f_back
    return None, None
