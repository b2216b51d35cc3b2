"""The last calls of networks: what each was given by which others, and what it has made."""

from __future__ import annotations

import weakref
from collections import deque
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef

from ..seams.callsite import site_of
from ..seams.recording import is_plain
from .batches import holds, projected, spread
from .graph import PARTS, VIEWS, behind_views, operation

CALLS_AT_MOST = 64
"""Calls that are remembered: a turn of each player, and more."""
NODES_AT_MOST = 2048
"""Nodes from a loss, or from what a network is given, to the networks above: their arithmetic."""
HELD_AT_MOST = 1 << 20
"""Elements of a result that are held until the step is over."""
SQUARES = ("MseLoss", "Pow", "SmoothL1Loss", "HuberLoss", "L1Loss", "Abs")
"""Operations whose slope has a sign that depends on the answer, and not on the label alone."""
LINEAR = (*VIEWS, *PARTS, "Mean", "Sum", "Neg", "Add", "Sub", "Rsub", "Mul", "Div", "Stack", "Cat")
"""Operations whose slope does not depend on the answer."""

Key = tuple[int, str]


def tensors(value: Any) -> list[torch.Tensor]:
    """Returns the tensors inside lists, tuples and dicts, in order."""
    if isinstance(value, torch.Tensor):
        return [value]
    parts = value.values() if isinstance(value, dict) else value
    nested = isinstance(value, (dict, list, tuple))
    return [tensor for part in parts for tensor in tensors(part)] if nested else []


def key_of(node: Any) -> Key:
    """Returns what knows a node without keeping it: threads of a device count anew."""
    return node._sequence_nr(), node.name()


class Call:
    """One call of a network that has weights.

    Attributes:
        net: The network, weakly.
        below: Calls whose results it was given with their graph.
        fed: Calls whose results it was given without their graph.
        mixed: Whether these were only some of the rows that it was given.
        wants: Whether a weight of the network wanted a gradient, and the call had a graph.
        made: Its largest result, weakly, and `batch` the same, until the step is over.
        end: Node and output that made its smallest result, and `answers` the same.
        ends_in: The operation that made its largest result.
        given: Smallest and largest number of what it was given, and how its rows differ; and `rows`
            these along fixed directions, until the step is over.
        way: What lies between a loss and its answers: `linear`, `square` or `other` operations.
    """

    __slots__ = (
        "answers",
        "batch",
        "below",
        "end",
        "ends_in",
        "fed",
        "given",
        "made",
        "mixed",
        "net",
        "rows",
        "site",
        "storage",
        "wants",
        "way",
    )

    def __init__(self, net: torch.nn.Module, frame: Any) -> None:
        self.net = weakref.ref(net)
        self.site = None if frame is None else site_of(frame)
        self.below: list[Call] = []
        self.fed: list[Call] = []
        self.mixed = self.wants = False
        self.made: weakref.ref[torch.Tensor] | None = None
        self.storage: StorageWeakRef | None = None
        self.end: tuple[Key, int] | None = None
        self.answers: torch.Tensor | None = None
        self.batch: torch.Tensor | None = None
        self.ends_in: str | None = None
        self.way: str | None = None
        self.given: tuple[torch.Tensor, ...] = ()
        self.rows: torch.Tensor | None = None

    def all_below(self) -> list[Call]:
        """Returns the calls whose graph this one's result hangs on, nearest first."""
        found = dict.fromkeys(self.below)
        waiting = deque(found)
        while waiting:
            for call in waiting.popleft().below:
                if call not in found:
                    found[call] = None
                    waiting.append(call)
        return list(found)

    def gave(self, given: torch.Tensor, storage: StorageWeakRef) -> bool | None:
        """Whether a tensor holds what this call made: None if not, False if it holds more rows."""
        if self.storage is not None and self.storage == storage:
            return True
        made = self.made() if self.batch is None and self.made is not None else self.batch
        return None if made is None else holds(given, made)

    def end_with(self, result: Any) -> list[Key]:
        """Notes what the call has made; returns the nodes that made it."""
        made = [t for t in _numbers([result]) if t.numel()]
        if not made:
            return []
        largest = max(made, key=torch.Tensor.numel)
        self.made, self.storage = weakref.ref(largest), StorageWeakRef(largest.untyped_storage())
        if largest.is_cpu and largest.numel() <= HELD_AT_MOST:
            self.batch = largest.detach()
        with_graph = [t for t in made if t.grad_fn is not None]
        if (node := behind_views(largest.grad_fn)) is not None:
            self.ends_in = operation(node)
        if with_graph:
            end = min(with_graph, key=torch.Tensor.numel)
            self.end = key_of(end.grad_fn), end.output_nr
            if end.numel() <= HELD_AT_MOST:
                self.answers = end.detach()
            net = self.net()
            self.wants = net is not None and any(p.requires_grad for p in net.parameters())
        return [key_of(t.grad_fn) for t in with_graph]


class Calls:
    """Follows what a network is given to the calls that made it."""

    def __init__(self) -> None:
        self.last: list[Call] = []
        self._by_node: dict[Key, Call] = {}

    def begin(self, net: torch.nn.Module, frame: Any, args: Any, kwargs: Any) -> Call:
        """Returns a call that begins, with those that made what it is given."""
        call = Call(net, frame)
        given = max(_numbers([args, kwargs]), key=torch.Tensor.numel, default=None)
        if given is None or not given.numel():
            return call
        if self.judges(net):
            given_numbers = given.detach()
            call.given = given_numbers.min(), given_numbers.max(), spread(given_numbers)
            call.rows = projected(given_numbers)
        if given.grad_fn is not None:
            above = dict.fromkeys(one for _, one, _ in self.ends(given.grad_fn))
            call.below = [one for one in above if one.net() is not net]
        if call.below:
            return call
        given, storage = given.detach(), StorageWeakRef(given.untyped_storage())
        for one in reversed(self.last):
            if one.net() is not net and (whole := one.gave(given, storage)) is not None:
                call.fed, call.mixed = [one], not whole
                break
        return call

    def end(self, call: Call, result: Any) -> None:
        """Remembers what a call has made."""
        keys = call.end_with(result)
        if call.made is None:
            return
        self.last.append(call)
        self._by_node.update(dict.fromkeys(keys, call))
        if len(self.last) > CALLS_AT_MOST:
            gone = set(self.last[: CALLS_AT_MOST // 2])
            for old in gone:
                old.below, old.fed = [], []  # else each would keep all before it
            self.last = self.last[CALLS_AT_MOST // 2 :]
            self._by_node = {n: c for n, c in self._by_node.items() if c not in gone}

    def let_go(self) -> None:
        """Holds no result any more: the step is over."""
        for call in self.last:
            call.answers = call.batch = call.rows = None

    def ends(self, root: Any) -> list[tuple[Any, Call, str]]:
        """Returns the nodes nearest to a root that made results, and what lies between.

        Args:
            root: A node.
        """
        found: list[tuple[Any, Call, str]] = []
        waiting, met = deque([(root, "linear")]), {root}
        while waiting and len(met) < NODES_AT_MOST:
            node, way = waiting.popleft()
            call = self._by_node.get(key_of(node))
            if call is not None:
                found.append((node, call, way))
                continue
            op = operation(node)
            if op in SQUARES:
                way = "square"
            elif op not in LINEAR and way != "square":
                way = "other"
            for child, _ in node.next_functions:
                if child is not None and child not in met:
                    met.add(child)
                    waiting.append((child, way))
        return found

    def judges(self, net: torch.nn.Module | None) -> bool:
        """Whether a network is given what another one has made, and something else as well."""
        return len({bool(one.below or one.fed) for one in self.last if one.net() is net}) == 2


def _numbers(value: Any) -> list[torch.Tensor]:
    """Returns the tensors of real numbers inside a value that lie in memory as they are."""
    return [
        t
        for t in tensors(value)
        if t.is_floating_point() and t.layout is torch.strided and is_plain(t)
    ]
