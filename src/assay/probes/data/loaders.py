"""Probe: data loaders: how each is set, what it draws, and the random state of its workers."""

from __future__ import annotations

import json
import os
import random
import sys
import weakref
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, ClassVar
from zlib import crc32

import torch

from ...seams.callsite import user_site
from ...watching.probe import Probe

LABELS_AT_MOST = 100_000
LOADERS_AT_MOST = 100
EPOCHS_COUNTED, EPOCHS_IN_ORDER = 2, 16
"""Epochs of one kind of loader whose draws are counted one by one, and whose order is compared."""
DRAWS_AT_MOST = 1 << 17
"""Draws counted in one epoch: some 10 MB of counts. A longer epoch is counted so far."""
BATCHES_IN_ORDER = 8
WORKERS_BYTES_AT_MOST = 64 * 1024


class _Drawn:
    """What one kind of loader has drawn: of this epoch, and which indices ever."""

    def __init__(self, number: int, size: int | None) -> None:
        self.number, self.size = number, size
        self.epoch = -1
        self.counts: Counter[Any] = Counter()
        self.ever: set[Any] = set()
        self.draws = self.batches = self.order = 0

    def begin(self) -> None:
        """Begins a new epoch."""
        self.epoch += 1
        self.counts.clear()
        self.draws = self.batches = self.order = 0

    def add(self, indices: Any) -> None:
        """Adds the indices of one batch, or of one sample where the loader makes no batches."""
        batch = indices if isinstance(indices, (list, tuple)) else (indices,)
        self.draws += len(batch)
        self.batches += 1
        if self.batches <= BATCHES_IN_ORDER:
            # the same number in each process: the hash of a text is not
            self.order = crc32(repr(batch).encode("utf-8", "replace"), self.order)
        if self.epoch < EPOCHS_COUNTED and self.draws <= DRAWS_AT_MOST:
            self.counts.update(batch)

    def facts(self, *, whole: bool) -> dict[str, Any]:
        """Returns the epoch in numbers."""
        self.ever.update(self.counts)
        counted = bool(self.counts) and self.draws <= DRAWS_AT_MOST
        return {
            "loader": self.number,
            "epoch": self.epoch,
            "size": self.size,
            "draws": self.draws,
            "distinct": len(self.counts) if counted else None,
            "distinct_ever": len(self.ever) if counted else None,
            "most": max(self.counts.values()) if counted else None,
            "order": self.order,
            "whole": whole,
        }


class Loaders(Probe):
    """Writes a `loader` event for each kind of loader, and an `epoch` event for its first epochs.

    `loader`: sampler, data set, sizes, workers and seeds. `epoch`: how many indices were drawn, how
    many of them differ (in this epoch, and ever), how often the one drawn most, and a number for
    the order of the first batches, equal for equal orders. Each worker writes a line on its random
    states into the run folder (`workers.jsonl`): it keeps no journal.
    """

    name = "loaders"
    always: ClassVar = ("loader_created", "loader_begin", "loader_begun", "worker_ready")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._kinds: dict[tuple[Any, ...], _Drawn] = {}
        self._sites: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
        # a loader that nobody holds is gone before its iterator has drawn anything
        self._iterators: weakref.WeakKeyDictionary[Any, _Drawn] = weakref.WeakKeyDictionary()
        watch.listen("indices", self.on_indices)

    def on_loader_created(self, loader: Any) -> None:
        """Remembers the line that built it."""
        self._sites[loader] = user_site(2)

    def on_loader_begin(self, loader: Any) -> None:
        """Writes a loader's settings, once for each kind of loader; an epoch begins."""
        key = _kind(loader)
        known = self._kinds.get(key)
        if known is None:
            if len(self._kinds) >= LOADERS_AT_MOST:
                return
            known = self._kinds[key] = _Drawn(len(self._kinds), key[2])
            self._write_loader(loader, key, known.number)
        elif known.draws:  # the last one was left before its end
            self._write_epoch(known)
        known.begin()

    def on_loader_begun(self, loader: Any, iterator: Any) -> None:
        """What this iterator draws belongs to the loader."""
        known = self._kinds.get(_kind(loader))
        if known is not None:
            with suppress(TypeError):  # a loader of the user's own kind may return any iterator
                self._iterators[iterator] = known

    def on_indices(self, loader: Any, iterator: Any, indices: Any) -> None:
        """One batch of indices was drawn; None at the end of an epoch."""
        kind = None if loader is None else self._kinds.get(_kind(loader))
        known = kind or self._iterators.get(iterator)
        if known is None or known.epoch >= EPOCHS_IN_ORDER:
            if all(drawn.epoch >= EPOCHS_IN_ORDER for drawn in self._kinds.values()):
                self._stop()
            return
        if indices is None:
            if known.draws:
                self._write_epoch(known, whole=True)
            return
        try:
            known.add(indices)
        except TypeError:  # a sampler may give what can't be counted
            self._stop()

    def on_worker_ready(self, worker: Any) -> None:
        """In a worker process, after its `worker_init_fn`: writes down its random states."""
        path = os.path.join(self.watch.folder, "workers.jsonl")
        states = dict(random_states(worker.dataset))
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            if os.fstat(fd).st_size < WORKERS_BYTES_AT_MOST:
                line = {"of": os.getppid(), "base": worker.seed - worker.id, "worker": worker.id,
                        "workers": worker.num_workers, "states": states,
                    "drawn": sorted(drawn_from(worker.dataset, states))}  # fmt: skip
                os.write(fd, (json.dumps(line) + "\n").encode())
        finally:
            os.close(fd)

    def finish(self) -> None:
        """Writes the last epoch, which may be under way."""
        for known in self._kinds.values():
            if known.draws and known.epoch < EPOCHS_IN_ORDER:
                self._write_epoch(known)

    def _stop(self) -> None:
        self._iterators.clear()
        self.watch.unlisten("indices", self.on_indices)

    def _write_epoch(self, known: _Drawn, *, whole: bool = False) -> None:
        if known.epoch < EPOCHS_IN_ORDER:
            self.watch.event("epoch", **known.facts(whole=whole))
        known.draws = 0

    def _write_loader(self, loader: Any, key: tuple[Any, ...], number: int) -> None:
        sampler = getattr(loader, "sampler", None)
        weights = getattr(sampler, "weights", None)
        inner = getattr(loader, "generator", None), getattr(sampler, "generator", None)
        order = label_order(loader.dataset) if key[4] and key[0] == "SequentialSampler" else {}
        self.watch.event(
            "loader",
            number=number,
            sampler=key[0],
            batch_sampler=type(getattr(loader, "batch_sampler", None)).__name__,
            replacement=_bool(getattr(sampler, "replacement", None)),
            shuffle=_bool(getattr(sampler, "shuffle", None)),
            weights=_length(weights),
            num_samples=_int(getattr(sampler, "num_samples", None)),
            dataset=key[1],
            size=key[2],
            batch_size=loader.batch_size,
            workers=getattr(loader, "num_workers", 0),
            persistent_workers=bool(getattr(loader, "persistent_workers", False)),
            worker_init_fn=getattr(loader, "worker_init_fn", None) is not None,
            generator=any(g is not None for g in inner),
            drop_last=getattr(loader, "drop_last", False),
            grad=key[4],
            built=self._sites.get(loader),
            **order,
        )


def _kind(loader: Any) -> tuple[Any, ...]:
    """Returns what makes two loaders one kind: built anew each epoch, it stays the same."""
    sampler, data = getattr(loader, "sampler", None), getattr(loader, "dataset", None)
    names = type(sampler).__name__, type(data).__name__
    return (*names, _length(data), loader.batch_size, torch.is_grad_enabled())


def _length(thing: Any) -> int | None:
    try:
        return len(thing)
    except (TypeError, NotImplementedError):
        return None


def _int(value: Any) -> int | None:
    return value if type(value) is int else None


def _bool(value: Any) -> bool | None:
    return value if type(value) is bool else None


def random_states(data: Any) -> Iterator[tuple[str, int]]:
    """Returns a number for each random state of a worker, equal for equal states.

    Nothing is drawn. Besides the global generators, those that the data set holds itself, or one of
    its transforms: a copy in each worker, which `worker_init_fn` and torch leave as it is.
    """
    yield "random", _digest(random.getstate())
    yield "torch", _digest(torch.get_rng_state().tolist())
    if (numpy := sys.modules.get("numpy")) is not None:
        yield "numpy", _digest(numpy.random.get_state()[1].tolist())
    for name, held in list(getattr(data, "__dict__", {}).items())[:100]:
        for key, thing in ((name, held), *_parts(name, held)):
            state = _own_state(thing)
            if state is not None:
                yield f"dataset.{key}", _digest(state)


def drawn_from(data: Any, states: dict[str, int]) -> set[str]:
    """Returns the states whose holder is mentioned where a data set makes a sample.

    Of a data set that is read by index; one that is iterated may have to share a state, so that
    workers agree on an order. What a generator is asked for is not known, only that it is named.
    """
    if isinstance(data, torch.utils.data.IterableDataset):
        return set()
    inner = data.dataset if isinstance(data, torch.utils.data.Subset) else data
    names = _mentioned(type(inner), "__getitem__") | _mentioned(type(inner), "__getitems__")
    for name, held in list(getattr(inner, "__dict__", {}).items()):
        if name in names:  # a transform, or a function that is one
            code = getattr(held, "__code__", None)
            names = names.union(code.co_names if code else _mentioned(type(held), "__call__"))
    modules = {"np", "numpy", "torch"} & names
    found = {"torch"} & names
    if "random" in names:
        found |= {"numpy"} if modules & {"np", "numpy"} else set() if modules else {"random"}
    found |= {state for state in states if any(part in names for part in state.split(".")[1:])}
    return found & states.keys()


def _mentioned(kind: type, method: str, deep: int = 3) -> set[str]:
    """Returns the names in a method's code, and in that of the methods that it mentions."""
    code = getattr(getattr(kind, method, None), "__code__", None)
    names: set[str] = set(code.co_names) if code is not None else set()
    if deep:
        own = [n for n in names if n != method and hasattr(getattr(kind, n, None), "__code__")]
        names = names.union(*(_mentioned(kind, n, deep - 1) for n in own))
    return names


def _parts(name: str, held: Any) -> list[tuple[str, Any]]:
    kept = getattr(held, "__dict__", None)
    return [(f"{name}.{k}", v) for k, v in list(kept.items())[:20]] if kept else []


def _own_state(thing: Any) -> Any:
    """Returns a random generator's state; None for anything else. Numpy is not imported."""
    if isinstance(thing, torch.Generator):
        return thing.get_state().tolist()
    if isinstance(thing, random.Random):
        return thing.getstate()
    if type(thing).__module__.startswith("numpy.random"):
        if hasattr(thing, "bit_generator"):
            return repr(thing.bit_generator.state)
        if hasattr(thing, "get_state"):
            return repr(thing.get_state()[1].tolist())
    return None


def _digest(state: Any) -> int:
    return crc32(repr(state).encode())


def label_order(data: Any) -> dict[str, float]:
    """Returns how a dataset's labels lie in its own order; empty where it shows none.

    Returns:
        `labels_equal_next`: share of samples whose successor has the same label;
        `labels_equal_by_chance`: that share in a random order; `label_classes`: number of classes.
    """
    chosen = None
    if isinstance(data, torch.utils.data.Subset):
        data, chosen = data.dataset, data.indices
    held = getattr(data, "__dict__", {})
    tensors = held.get("tensors")
    labels: Any = tensors[-1] if tensors else held.get("targets", held.get("labels"))
    if labels is None:
        return {}
    try:
        labels = torch.as_tensor(labels if chosen is not None else labels[:LABELS_AT_MOST])
        if chosen is not None:
            labels = labels[torch.as_tensor(chosen[:LABELS_AT_MOST])]
    except (TypeError, ValueError, RuntimeError, IndexError):
        return {}
    if labels.dim() != 1 or labels.is_floating_point() or len(labels) < 2:
        return {}
    _, counts = torch.unique(labels, return_counts=True)
    share = counts / len(labels)
    return {
        "labels_equal_next": float((labels[1:] == labels[:-1]).float().mean()),
        "labels_equal_by_chance": float((share * share).sum()),
        "label_classes": len(counts),
    }
