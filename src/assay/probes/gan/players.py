"""Probe: which networks are given what others have made, in which loss, and whose step follows."""

from __future__ import annotations

import json
import weakref
from typing import Any, ClassVar

import torch

from ...seams.callsite import user_frame, user_site
from ...watching.batches import distance
from ...watching.calls import Call, Calls, key_of
from ...watching.measures import norms, total
from ...watching.probe import Probe
from .variables import name_of

FOLLOWED_AT_MOST = 256
"""Calls of one iteration that are followed: an agent may ask its network at every move."""
TURNS_AT_MOST = 64
SAME_LINE = 1e-3
"""Share of the slopes' variance that may lie off a line, for a loss to count as a square."""

GIVEN = ("judged_min", "judged_max", "judged_spread")

Site = tuple[str, int, str]


class Players(Probe):
    """Writes a `turn` event for each new way in which networks meet in the losses of a step.

    A network is an outermost module that the script calls. What one is given is followed up to the
    network that made it: by the graph, by the memory that a detached tensor shares with it, and on
    the CPU by its numbers, where they stand beside others. Only iterations whose one before was
    sampled too are told of, since a batch that was made there may be judged here.

    Signals of a network that is given both what another makes and something else, by place
    `Critic on Generator`, `Critic on detached Generator` or `Critic on data`. `judge_asks`: the sum
    of the slopes of the loss at its answers, over that of their sizes: at -1 all are to rise, at 1
    to fall. `judge_target`, where the loss is a square: the answer that it is least at.
    `judged_min`, `judged_max` and `judged_spread`: of the numbers that it was given.
    `generated_distance`: how far generated and other rows of one turn lie apart.
    `judge_weight_norm`: the norm of its weights before a step of any player.
    """

    name = "players"
    always: ClassVar = ("hook_registered",)
    sampled: ClassVar = (
        "called_root", "called_root_end", "backward_begin", "gradients_ready"
    )  # fmt: skip

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._calls = Calls()
        self._variables: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
        self._told: set[str] = set()
        self._hooked = False
        self._at, self._before = -1, -2
        self._forget()

    def _forget(self) -> None:
        self._open: tuple[Any, Call | None] = (None, None)
        self._passes: list[tuple[Site | None, list[Call], list[str]]] = []
        self._steps: list[dict[str, Any]] = []
        self._asks: list[tuple[str, Call, torch.Tensor]] = []
        self._step = self._count = 0

    def on_hook_registered(self, kind: str) -> None:
        """A hook of the script's on a tensor would be called by a slope that is taken."""
        self._hooked = self._hooked or kind == "tensor"

    def iteration_begins(self) -> None:
        """Tells of the turn that is over; calls may come before the iteration they are part of."""
        self._tell()
        opened = self._open
        self._forget()
        self._open = opened
        self._before, self._at = self._at, self.watch.iteration

    def finish(self) -> None:
        """Tells of the last turn."""
        self._tell()

    # -- what a network is given ------------------------------------------------------------------

    def on_called_root(self, module: Any, args: Any, kwargs: Any) -> None:
        """Follows what a network is given to the calls that made it."""
        self._count += 1
        helper = type(module).__module__.startswith("torch.nn.utils")  # a parametrization
        if helper or self._count > FOLLOWED_AT_MOST or next(module.parameters(), None) is None:
            self._open = module, None
            return
        frame = user_frame(2)
        if module not in self._variables:
            self._variables[module] = self._variable(module, frame)
        self._open = module, self._calls.begin(module, frame, args, kwargs)

    def on_called_root_end(self, module: Any, result: Any) -> None:
        """Remembers what it has made."""
        (opened, call), self._open = self._open, (None, None)
        if call is not None and opened is module:
            self._calls.end(call, result)

    # -- losses and steps -------------------------------------------------------------------------

    def on_backward_begin(self, roots: Any, kept: bool) -> None:
        """Notes which calls a loss goes through, and what it asks of those that judge."""
        if not isinstance(roots, torch.Tensor) or roots.grad_fn is None or not self._calls.last:
            return
        ends = self._calls.ends(roots.grad_fn)
        calls = list(dict.fromkeys(call for _, call, _ in ends))
        for _, call, way in ends:
            call.way = way
        for call in calls[:]:
            calls += [one for one in call.all_below() if one not in calls]
        filled = {self._name(net) for c in calls if (net := c.net()) is not None and _filled(net)}
        self._passes.append((user_site(2), calls, sorted(filled)))
        judged = [(n, c, way == "square") for n, c, way in ends if self._calls.judges(c.net())]
        for _, call, _ in judged:
            self._asks += [(name, call, n) for name, n in zip(GIVEN, call.given, strict=False)]
        if judged and not self._hooked and roots.numel() == 1:
            self._ask(roots, judged)

    def _ask(self, root: torch.Tensor, judged: list[tuple[Any, Call, bool]]) -> None:
        """Takes the slopes of the loss at the answers: which way it is to move them."""
        last = [
            (torch.autograd.graph.GradientEdge(node, call.end[1]), call, squared)
            for node, call, squared in judged
            if call.end is not None and call.end[0] == key_of(node)
        ]
        if not last:
            return
        edges = [edge for edge, _, _ in last]
        with self.watch.silence(), self.watch.unrecorded():
            slopes = torch.autograd.grad(root, edges, retain_graph=True, allow_unused=True)
        for (_, call, squared), slope in zip(last, slopes, strict=True):
            if slope is None:
                continue
            slope = slope.float()  # those of a scaled loss in half precision add up to infinity
            if not squared:
                self._asks.append(("judge_asks", call, slope.sum() / slope.abs().sum()))
            elif call.answers is not None and call.answers.shape == slope.shape:
                self._asks.append(("judge_target", call, _least_at(call.answers, slope)))

    def on_gradients_ready(self, optimizer: Any) -> None:
        """Notes whose weights a step holds, and whose of them have a gradient."""
        ids = {id(p) for group in optimizer.param_groups for p in group["params"]}
        training = self.watch.training(optimizer)
        self._step = training.step
        self._put_asks()
        held, moved = [], []
        for net in {net: None for c in self._calls.last if (net := c.net()) is not None}:
            name = self._name(net)
            if any(id(p) in ids for p in net.parameters()):
                held.append(name)
                if _filled(net, ids):
                    moved.append(name)
            if self._calls.judges(net):
                weights = [p.detach() for p in net.parameters()]
                self.watch.put("judge_weight_norm", name, total(norms(weights)))
                most = torch.stack([w.abs().max() for w in weights if w.numel()]).max()
                self.watch.put("judge_weight_max", name, most)
        step = {"training": training.index, "held": sorted(held), "moved": sorted(moved)}
        self._steps.append(step)

    def _put_asks(self) -> None:
        """Records what was asked. What was made before a sample, or kept since, is not known.

        So a batch counts as data only beside one of which is known who made it.
        """
        made = {id(call.net()) for _, call, _ in self._asks if call.below or call.fed}
        known = [(s, call, value) for s, call, value in self._asks if id(call.net()) in made]
        for signal, call, value in known:
            self.watch.put(signal, self._place(call), value)
        for net in {id(call.net()): call.net() for _, call, _ in known}.values():
            calls = [call for _, call, _ in known if call.net() is net and call.rows is not None]
            data = [call.rows for call in calls if not (call.below or call.fed)]
            makers = [call for call in calls if call.below or call.fed]
            if data and makers and data[-1] is not None and makers[-1].rows is not None:
                maker = (makers[-1].below or makers[-1].fed)[0].net()
                place = f"{self._name(net)} on {self._name(maker)}"
                apart = distance(makers[-1].rows, data[-1])
                self.watch.put("generated_distance", place, apart)
        self._asks = []
        self._calls.let_go()

    # -- names ------------------------------------------------------------------------------------

    def _name(self, net: torch.nn.Module | None) -> str:
        """Returns what the script calls a network: the path in its model, or a variable's name."""
        if net is None:
            return ""
        known, kind = self.watch.names.module(net), type(net).__name__
        in_model = known is not None and known.partition("#")[0] != kind
        return known if known and in_model else self._variables.get(net, kind)

    def _variable(self, net: torch.nn.Module, frame: Any) -> str:
        """Returns the name by which the line that calls a network knows it, or else its class.

        Two networks of one class are told apart by it.
        """
        name = None if frame is None else name_of(net, frame)
        if name is not None:
            return name
        kind, taken = type(net).__name__, set(self._variables.values())
        labels = (kind, *(f"{kind}#{number}" for number in range(2, len(taken) + 3)))
        return next(label for label in labels if label not in taken)

    def _place(self, call: Call) -> str:
        makers = call.below or call.fed
        how = "detached " if call.fed else ""
        given = how + self._name(makers[0].net()) if makers else "data"
        return f"{self._name(call.net())} on {given}"

    # -- what is written --------------------------------------------------------------------------

    def _row(self, call: Call) -> dict[str, Any]:
        fed = [one for near in call.fed for one in (near, *near.all_below())]
        return {
            "net": self._name(call.net()),
            "line": list(call.site) if call.site is not None else None,
            "over": [self._name(one.net()) for one in call.all_below()],
            "fed": [self._name(one.net()) for one in fed],
            "mixed": call.mixed,
            "wants": call.wants,
            "batch_norm": _has_batch_norm(call.net()),
            "way": call.way,
            "ends_in": call.ends_in,
        }

    def _tell(self) -> None:
        """Writes how networks met since the iteration began, if it was not written before."""
        whole = self._before == self._at - 1 and self._count <= FOLLOWED_AT_MOST
        if not whole or len(self._told) >= TURNS_AT_MOST:
            return
        passes = [
            {
                "line": list(site) if site is not None else None,
                "calls": [self._row(call) for call in calls],
                "filled": filled,
            }
            for site, calls, filled in self._passes
            if calls
        ]
        data = {"passes": passes, "steps": self._steps}
        key = json.dumps(data)
        if passes and key not in self._told:
            self._told.add(key)
            line = passes[0]["line"]
            self.watch.line("event", e="turn", i=self._at, s=self._step, site=line, data=data)


def _least_at(answers: torch.Tensor, slope: torch.Tensor) -> torch.Tensor:
    """Returns the answer at which a square is least; nan if the slopes lie on no rising line."""
    x, y = answers.double().flatten(), slope.double().flatten()
    x0, y0 = x - x.mean(), y - y.mean()
    rise = (x0 * y0).sum() / x0.square().sum()
    off = (y0 - rise * x0).square().sum() / y0.square().sum()
    return torch.where((rise > 0) & (off < SAME_LINE), x.mean() - y.mean() / rise, torch.nan)


def _has_batch_norm(net: torch.nn.Module | None) -> bool:
    """Whether a network takes the statistics of its batch: it has a batch norm in training mode."""
    kind = torch.nn.modules.batchnorm._BatchNorm
    return net is not None and any(isinstance(m, kind) and m.training for m in net.modules())


def _filled(net: torch.nn.Module, among: set[int] | None = None) -> bool:
    """Whether a weight has a gradient, other than zeros where that can be seen without waiting."""
    return any(
        p.grad is not None and (not _is_plain(p.grad) or bool(p.grad.any()))
        for p in net.parameters()
        if among is None or id(p) in among
    )


def _is_plain(gradient: torch.Tensor) -> bool:
    return gradient.is_cpu and gradient.layout is torch.strided
