"""Probe: how far a model that averages weights came, where an evaluation calls it."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.parameter import is_lazy

from ...replay.structure import tensors
from ...seams.callsite import builder_frame, site_of, user_site
from ...seams.recording import is_shard
from ...watching.measures import inner
from ...watching.probe import Probe

WITNESSES, WITNESS_ELEMENTS = 32, 1024
ROOTS_AT_MOST, MODELS_AT_MOST = 16, 64
CALLS = 2
"""Calls in one evaluation that show that a model is evaluated: a target network is called once."""
WITHOUT_GAP = 16
SPACING = 1.3
"""Of the evaluations after these, one is looked at each time their number has grown by a third."""
_STATISTICS = ("running_mean", "running_var")


Site = tuple[str, int, str]


class _Start:
    """What a model was like when it was first called: parts of its weights and its statistics."""

    def __init__(self, root: torch.nn.Module) -> None:
        self.root = weakref.ref(root)
        self.shapes = [tuple(p.shape) for p in root.parameters()]
        self.weights = copies(_weights(root))
        self.statistics = copies(_statistics(root))
        self.trained = False

    def note(self, held: set[int]) -> None:
        """Notes whether an optimizer that steps holds one of its parameters."""
        root = self.root()
        if root is not None and not self.trained:
            self.trained = any(id(p) in held for p in root.parameters())


def _weights(root: torch.nn.Module) -> list[Tensor]:
    """Returns some of its parameters, spread over all of them."""
    every: list[Tensor] = list(root.parameters())
    return every[:: max(len(every) // WITNESSES, 1)][:WITNESSES]


def _statistics(root: torch.nn.Module) -> list[Tensor]:
    """Returns some of its running statistics."""
    every = [b for name, b in root.named_buffers() if name.rpartition(".")[2] in _STATISTICS]
    return every[:: max(len(every) // WITNESSES, 1)][:WITNESSES]


def _samples(args: Any, kwargs: Any) -> int:
    """Returns how long the first tensor is that a model is given; 0 without one."""
    return next((len(each) for each in tensors((args, kwargs)) if each.dim()), 0)


def _parts(tensors: Iterable[Tensor]) -> list[Tensor]:
    return [t.detach().reshape(-1)[:WITNESS_ELEMENTS].float() for t in tensors]


def copies(tensors: Iterable[Tensor]) -> list[Tensor]:
    """Returns copies of the first elements of each tensor."""
    return [part.clone() for part in _parts(tensors)]


def progress(start: list[Tensor], now: list[Tensor], of: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Returns how far tensors came of the way from `start` to `now`, and how far they lie aside.

    Both are shares of that way's length: 0 and 0 at its start, 1 and 0 at its end.
    """
    way = torch._foreach_sub(_parts(now), start)
    gone = torch._foreach_sub(_parts(of), start)
    length = inner(way, way)
    share = inner(gone, way) / length
    aside = (inner(gone, gone) / length - share * share).clamp(min=0).sqrt()
    return share, aside


class Averages(Probe):
    """Measures models of the same shape as one that is trained, and held by no optimizer.

    Signals, by the class of the model that an evaluation calls: `average_progress`, how far its
    weights came of the way that those of the trained model went since it was first called, and
    `average_aside`, how far they lie off that way; of those in evaluation mode that have batch
    norm, `average_statistics`, the progress of their running statistics. Event `average` with the
    line that built an AveragedModel. An evaluation begins with `eval()`, or a loss without
    gradients, and ends with the next backward pass. A model that it calls only once, with as many
    samples as training has, may be a target network: that is left alone.
    """

    name = "averages"
    always: ClassVar = (
        "root_found", "training_found", "mode", "evaluation_loss", "compile", "module_built"
    )  # fmt: skip

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._recorder = watch.new_recorder()
        self._starts: list[_Start] = []
        self._built: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
        self._calls: dict[int, int] = {}
        self._once: list[tuple[weakref.ref[torch.nn.Module], int, Site | None]] = []
        self._listens = False
        self._evaluations, self._next, self._step = 0, 1.0, -1

    def on_module_built(self, module: torch.nn.Module) -> None:
        """Remembers the line of an AveragedModel."""
        if type(module).__name__ == "AveragedModel":
            frame = builder_frame(module)
            self._built[module] = None if frame is None else site_of(frame)

    def on_root_found(self, module: torch.nn.Module) -> None:
        """Copies a part of a model, before it is trained."""
        if any(map(is_lazy, module.parameters())) or any(map(is_shard, module.parameters())):
            return  # a part of it was never called, and has no shape; or lies on other ranks
        if len(self._starts) < ROOTS_AT_MOST:
            with torch.no_grad():
                self._starts.append(_Start(module))

    def on_mode(self, module: Any, training: bool) -> None:
        """An evaluation begins."""
        if not training:
            self._begin()

    def on_evaluation_loss(
        self, name: str, function: Any, args: Any, kwargs: Any, result: Any
    ) -> None:
        """An evaluation begins that no eval() announced."""
        self._begin()

    def on_compile(self, target: Any) -> None:
        """Calls are left alone before any of them is compiled."""
        self._end(None, False)

    def on_evaluation_root(self, module: Any, args: Any, kwargs: Any) -> None:
        """A model was called with gradients off: the second time it is measured."""
        if len(self._calls) >= MODELS_AT_MOST:
            return
        calls = self._calls[id(module)] = self._calls.get(id(module), 0) + 1
        if calls == 1:
            self._once.append((weakref.ref(module), _samples(args, kwargs), user_site(2)))
        elif calls == CALLS:
            self._measure(module, user_site(2))

    def on_root_begin(self, module: Any, args: Any, kwargs: Any) -> None:
        """Training goes on: what was called once, with another number of samples, was evaluated."""
        once, self._once = self._once, []
        samples = _samples(args, kwargs)
        for ref, called_with, at in once:
            called = ref()
            if called is not None and self._calls.get(id(called)) == 1 and called_with != samples:
                self._measure(called, at)

    def finish(self) -> None:
        """Writes what has not arrived yet."""
        self._recorder.flush_arrived(wait=True)

    def _begin(self) -> None:
        """Begins once for each step of the training at most, and ever more rarely."""
        watch = self.watch
        if self._listens or watch.compiled or not watch.trainings:
            return
        step = watch.trainings[-1].step
        if step == self._step:
            return
        self._step = step
        self._evaluations += 1
        if self._evaluations < self._next:
            return
        if self._evaluations >= WITHOUT_GAP:
            self._next = self._evaluations * SPACING
        self._listens = True
        self._calls, self._once = {}, []
        watch.listen("evaluation_root", self.on_evaluation_root)
        watch.listen("root_begin", self.on_root_begin)
        watch.listen("backward_begin", self._end)

    def _end(self, roots: Any, kept: bool) -> None:
        if self._listens:
            self._listens = False
            self.watch.unlisten("evaluation_root", self.on_evaluation_root)
            self.watch.unlisten("root_begin", self.on_root_begin)
            self.watch.unlisten("backward_begin", self._end)

    def on_training_found(self, training: Any, optimizer: Any) -> None:
        """Notes which models are trained."""
        held = {id(p) for group in optimizer.param_groups for p in group["params"]}
        for start in self._starts:
            start.note(held)

    def _measure(self, module: torch.nn.Module, at: Site | None) -> None:
        for training in self.watch.trainings:  # a model may have been met after its optimizer
            if (optimizer := training.optimizer()) is not None:
                self.on_training_found(training, optimizer)
        trained = [
            (start, root) for start in self._starts if start.trained and (root := start.root())
        ]
        own = {id(p) for p in module.parameters()}
        if not own or any(id(p) in own for _, root in trained for p in root.parameters()):
            return
        shapes = [tuple(p.shape) for p in module.parameters()]
        for start, root in trained:
            if start.shapes == shapes:
                with torch.no_grad():
                    self._compare(start, root, module, at)
                return

    def _compare(
        self, start: _Start, root: torch.nn.Module, module: torch.nn.Module, at: Site | None
    ) -> None:
        watch, place = self.watch, type(module).__name__
        then, now, of = start.weights, _weights(root), _weights(module)
        if any(
            a.device != b.device or a.device != c.device
            for a, b, c in zip(then, now, of, strict=True)
        ):
            return
        share, aside = progress(then, now, of)
        self._recorder.put("average_progress", place, share)
        self._recorder.put("average_aside", place, aside)
        statistics = _statistics(root), _statistics(module)
        if start.statistics and len(statistics[0]) == len(statistics[1]) and not module.training:
            share, _ = progress(start.statistics, *statistics)
            self._recorder.put("average_statistics", place, share)
        training = watch.trainings[-1]
        self._recorder.close(training.index, training.step)
        watch.event_once("average", place, of=place, line=self._built.get(module) or at)
