"""Probe: where the graph was cut of parameters that no gradient reaches."""

from __future__ import annotations

import sys
import weakref
from typing import Any, ClassVar

import torch
from torch.utils import checkpoint

from ...seams.callsite import is_user_file, site_of, user_site
from ...watching.leaves import leaves_below
from ...watching.measures import norms
from ...watching.probe import Probe
from ...watching.training import ByHand
from ..model.loaded import Loaded
from ..model.structure import parameter_names

TRACES = 2
"""Iterations of each training that are followed: what runs in all of them runs always."""
WALKS_AT_MOST = 64
NAMES_AT_MOST = 200
_CHECKPOINT = checkpoint.CheckpointFunction.forward.__code__
_HELD_IN_LISTS = (torch.nn.ParameterList, torch.nn.ParameterDict)
_READS = ("item", "tolist", "numpy", "__float__", "comparison", "argmax")
"""What takes numbers out: for a log, as a rule, unless it happens inside a forward pass."""

Site = tuple[str, int, str]


class _Trace:
    """One iteration: which of some parameters were used, and where they left the graph."""

    def __init__(self, missing: dict[int, str], trained: set[int], began: int) -> None:
        self.missing, self.trained, self.began = missing, trained, began
        self.ran: set[int] = set()
        self.cuts: dict[tuple[str, Site | None], set[int]] = {}
        self.walks = 0
        self.inside: list[Any] = []
        self.off: Site | None = None

    def own(self, module: torch.nn.Module) -> set[int]:
        """Returns those that a module itself computes with."""
        tables = [module._parameters]
        tables += [m._parameters for m in module._modules.values() if isinstance(m, _HELD_IN_LISTS)]
        return {id(p) for table in tables for p in table.values() if id(p) in self.missing}

    def cut(self, how: str, site: Site | None, parameters: set[int]) -> None:
        """Notes a cut."""
        if parameters and len(self.cuts) < WALKS_AT_MOST:
            self.cuts.setdefault((how, site), set()).update(parameters)


class Cuts(Probe):
    """Event `graph_cut`, signal `ungraded_weight_norm`: parameters that run and get no gradient.

    Where parameters of an optimizer have none at two steps in a row, the next iterations are
    followed: which of their modules are called, which of them lie below a tensor that leaves its
    graph (`seams/leaving.py`), and what is called without gradients, by the script or by a
    re-entrant checkpoint. Modules in evaluation mode and weights that were loaded are left out:
    they are frozen in one more way. The norms show whether someone else moves the weights.
    """

    name = "cuts"
    sampled: ClassVar = ("gradients_ready",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._loaded = watch.shared(Loaded)
        self._before: dict[int, list[str]] = {}
        self._traces: dict[int, list[_Trace]] = {}
        self._told: dict[int, list[tuple[str, weakref.ref[Any]]]] = {}
        self._trace: _Trace | None = None

    def iteration_begins(self) -> None:
        """Gives up a trace whose iteration was no sample."""
        if self._trace is not None and self.watch.iteration > self._trace.began + 1:
            self._stop()

    def finish(self) -> None:
        """Listens no more."""
        self._stop()

    def on_gradients_ready(self, optimizer: Any) -> None:
        """Ends a trace, and begins one where parameters had no gradient twice."""
        if isinstance(optimizer, ByHand):
            return
        index = self.watch.training(optimizer).index
        trace, traces = self._trace, self._traces.setdefault(index, [])
        missing, trained = self._without(optimizer)
        names = list(missing.values())
        if trace is not None and trace.missing.keys() == missing.keys():
            self._stop()
            traces.append(trace)
            if len(traces) == TRACES:
                self._tell(optimizer, traces)
        again, self._before[index] = self._before.get(index) == names, names
        if names and again and len(traces) < TRACES and self.watch.is_opening:
            self._stop()
            self._start(_Trace(missing, trained, self.watch.iteration))
        held = [(name, p) for name, ref in self._told.get(index, ()) if (p := ref()) is not None]
        lengths = norms([p.detach() for _, p in held]) if held else []
        for (name, _), length in zip(held, lengths, strict=True):
            self.watch.put("ungraded_weight_norm", name, length)

    def _without(self, optimizer: Any) -> tuple[dict[int, str], set[int]]:
        """Returns names of the parameters without gradient, by identity, and all others."""
        missing, trained = {}, set()
        for index, group in enumerate(optimizer.param_groups):
            for p, name in zip(group["params"], parameter_names(self, group, index), strict=True):
                if p.grad is not None:
                    trained.add(id(p))
                elif p.requires_grad and not self._loaded.has(p):
                    missing[id(p)] = name
        return missing, trained

    # -- following an iteration -------------------------------------------------------------------

    def _start(self, trace: _Trace) -> None:
        self._trace = trace
        for event in ("module_begin", "module_end", "evaluation_root", "graph_left",
                      "gradients_off"):  # fmt: skip
            self.watch.listen(event, getattr(self, f"on_{event}"))

    def _stop(self) -> None:
        self._trace = None
        for event in ("module_begin", "module_end", "evaluation_root", "graph_left",
                      "gradients_off"):  # fmt: skip
            self.watch.unlisten(event, getattr(self, f"on_{event}"))

    def on_module_begin(self, module: torch.nn.Module) -> None:
        """A module computes with its parameters."""
        if self._trace is not None:
            self._trace.inside.append(weakref.ref(module))
            if module.training:
                self._trace.ran |= self._trace.own(module)

    def on_module_end(self, module: torch.nn.Module, args: Any, result: Any) -> None:
        """It has returned."""
        if self._trace is not None and self._trace.inside:
            self._trace.inside.pop()

    def on_evaluation_root(self, module: torch.nn.Module, args: Any, kwargs: Any) -> None:
        """A module is called without gradients: to evaluate, or on the way to the loss."""
        trace = self._trace
        if trace is None or any(id(p) in trace.trained for p in module.parameters()):
            return
        own = set()
        for part in module.modules():
            if part.training:
                own |= trace.own(part)
        trace.ran |= own
        at = _checkpoint_site()
        if at is not None:
            trace.cut("checkpoint", at, own)
        else:
            trace.cut("no_grad", trace.off or user_site(2), own)

    def on_gradients_off(self, by_user: bool) -> None:
        """The script turns gradients off; inside a module, for what this one computes itself."""
        if self._trace is not None and by_user:
            self._trace.off = user_site(2)
            module = self._trace.inside[-1]() if self._trace.inside else None
            if module is not None:
                self._trace.cut("no_grad within", self._trace.off, self._trace.own(module))

    def on_graph_left(self, tensor: torch.Tensor, how: str) -> None:
        """A value leaves its graph: which of the parameters lie below it?"""
        trace = self._trace
        if trace is None or trace.walks >= WALKS_AT_MOST:
            return
        logged = how in _READS and not trace.inside
        if logged and (how != "tolist" or tensor.dim() == 0):
            return
        trace.walks += 1
        below = leaves_below([tensor]) if tensor.grad_fn is not None else [tensor]
        if logged and any(id(p) in trace.trained for p in below):
            return
        trace.cut(how, user_site(2), {id(p) for p in below if id(p) in trace.missing})

    # -- what was found ---------------------------------------------------------------------------

    def _tell(self, optimizer: Any, traces: list[_Trace]) -> None:
        """Writes one event for each cut: a parameter's is the one that takes the most with it."""
        training, last = self.watch.training(optimizer), traces[-1]
        left = set.intersection(*(trace.ran for trace in traces)) & last.missing.keys()
        cuts = {key: set(ids) for key, ids in last.cuts.items()}
        refs = {id(p): weakref.ref(p) for g in optimizer.param_groups for p in g["params"]}
        self._told[training.index] = [(last.missing[i], refs[i]) for i in left][:NAMES_AT_MOST]
        while left:
            key = max(cuts, key=lambda key: (_rank(key[0]), len(cuts[key] & left)), default=None)
            found = cuts.pop(key) & left if key is not None else left
            if not found:
                continue
            left = left - found
            how, site = key if key is not None else (None, None)
            names = [name for i, name in last.missing.items() if i in found]
            self.watch.event(
                "graph_cut",
                training,
                how=how.partition(" ")[0] if how else None,
                by=site,
                names=names[:NAMES_AT_MOST],
                count=len(names),
                traces=len(traces),
            )


def _rank(how: str) -> int:
    """Returns how sure it is that this cut is on the way to the loss."""
    if how in _READS:
        return 0
    return 1 if how == "no_grad within" else 2


def _checkpoint_site() -> Site | None:
    """Returns the user's line that called a re-entrant checkpoint which is under way."""
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_code is not _CHECKPOINT:
        frame = frame.f_back
    while frame is not None and not is_user_file(frame.f_code.co_filename):
        frame = frame.f_back
    return None if frame is None else site_of(frame)
