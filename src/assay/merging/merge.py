"""Merges checkpoints into a file, one tensor at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import torch

from .agreeing import agree, listed
from .checkpoint import Checkpoint, Entry
from .errors import MergeError
from .likeness import Likeness
from .methods import Given, Method, read_method
from .sharded import open_checkpoint
from .writing import written

PIECE = 2**23
"""Entries of a tensor that are in memory at a time, where the method goes entry by entry."""


STATISTICS = ("running_mean", "running_var")


@dataclass(frozen=True)
class Layer:
    """How tensors whose names match a pattern are merged.

    Attributes:
        pattern: As in a shell: `encoder.*`.
        method: In place of the merge's own; None keeps that.
        weights: The same; None keeps those of the merge.
    """

    pattern: str
    method: Method | None = None
    weights: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Merge:
    """What is asked for.

    Attributes:
        inputs: Paths.
        output: Where the merge is written; None only compares the inputs.
        method: How.
        weights: One for each input.
        base: What all were trained from.
        fishers: One for each input, or none.
        key: Where a torch file has its weights.
        dtype: Of the result; None keeps that of the inputs, which must then agree.
        layers: What is merged otherwise; the first that fits counts.
    """

    inputs: tuple[str, ...]
    output: str | None
    method: Method
    weights: tuple[float, ...]
    base: str | None = None
    fishers: tuple[str, ...] = ()
    key: str | None = None
    dtype: torch.dtype | None = None
    layers: tuple[Layer, ...] = ()

    @classmethod
    def read(cls, asked: Mapping[str, Any]) -> Merge:
        """Reads it from JSON, as the parent writes it."""
        dtype = asked.get("dtype")
        return cls(
            tuple(asked["inputs"]), asked.get("output"), read_method(asked["method"]),
            tuple(asked["weights"]), asked.get("base"), tuple(asked.get("fishers") or ()),
            asked.get("key"), getattr(torch, dtype) if dtype else None,
            tuple(
                Layer(pattern, read_method(method) if method else None, weights and tuple(weights))
                for pattern, method, weights in asked.get("layers") or ()
            ),
        )  # fmt: skip


@dataclass
class _Seen:
    """What is noticed on the way."""

    differ: dict[str, None] = field(default_factory=dict)
    broken: dict[str, dict[str, None]] = field(default_factory=dict)


def merge(asked: Merge) -> dict[str, Any]:
    """Writes the merge, and returns what was seen on the way.

    Returns:
        `likeness` of the inputs; `tensors` and `parameters`, how many; `differ`, names of tensors
        of whole numbers, taken from the first input, in which the inputs differ; `broken`, names
        of tensors with values that are not finite by input; `statistics`, names of running
        statistics; `metadata`, whether the first input has any.

    Raises:
        MergeError: They can't be read or don't fit each other, or it can't be written; then there
            is no file.
    """
    files = [open_checkpoint(path, asked.key) for path in asked.inputs]
    agree(files, types=asked.dtype is None)
    first = files[0]
    others = [open_checkpoint(path, asked.key) for path in (asked.base,) if path]
    fishers = [open_checkpoint(path) for path in asked.fishers]
    for extra in others:
        _covers(extra, first)
    for extra in fishers:  # it is of parameters: running statistics have none
        _covers(extra, first, but=STATISTICS)
    _patterns(asked, first)
    entries = {
        name: entry._replace(dtype=asked.dtype or entry.dtype) if floating(name, entry) else entry
        for name, entry in first.entries.items()
    }
    likeness, seen = Likeness(len(files)), _Seen()

    def each(put: Any) -> None:
        for name, entry in first.entries.items():
            if entry.tied != name:
                continue
            method, weights = _how(asked, name)
            for begin, end in _pieces(entry, whole=not method.by_entry):
                tensors = [file.read(name, begin, end) for file in files]
                if not floating(name, entry):
                    if any(not torch.equal(tensors[0], other) for other in tensors[1:]):
                        seen.differ[name] = None
                    put(name, tensors[0], begin)
                    continue
                exact = torch.float64 if entry.dtype is torch.float64 else torch.float32
                full = [tensor.to(exact) for tensor in tensors]
                del tensors
                likeness.add(name, entry.shape, full)
                for file, tensor in zip(files, full, strict=True):
                    if not bool(torch.isfinite(tensor).all()):
                        seen.broken.setdefault(file.path, {})[name] = None
                if asked.output is None:
                    continue
                base = others[0].read(name, begin, end).to(exact) if others else None
                own = [
                    fisher.read(name, begin, end).to(exact)
                    if name in fisher.entries
                    else torch.ones_like(full[0])
                    for fisher in fishers
                ]
                merged = method.merge(Given(name, full, weights, base, own))
                put(name, merged.to(entries[name].dtype), begin)

    if asked.output is None:
        each(lambda *_: None)
    else:
        key = asked.key
        with written(asked.output, entries, first.metadata, key, first.versions) as writer:
            each(writer.put)
    own = [entry for name, entry in first.entries.items() if entry.tied == name]
    return {
        "likeness": likeness.as_dict(),
        "tensors": len(first.entries),
        "parameters": sum(torch.Size(entry.shape).numel() for entry in own),
        "differ": list(seen.differ),
        "broken": {path: list(names) for path, names in seen.broken.items()},
        "statistics": [name for name in entries if name.endswith("running_var")],
        "metadata": bool(first.metadata),
    }


def _pieces(entry: Entry, *, whole: bool) -> Iterator[tuple[int, int | None]]:
    """Yields first and last of the pieces in which a tensor is merged; None: all of it."""
    many = torch.Size(entry.shape).numel()
    if whole or many <= PIECE:
        yield 0, None
        return
    for begin in range(0, many, PIECE):
        yield begin, min(begin + PIECE, many)


def floating(name: str, entry: Entry) -> bool:
    """Whether a tensor is averaged: one of whole numbers is taken as it is.

    Raises:
        MergeError: It is of complex numbers.
    """
    if entry.dtype.is_complex:
        raise MergeError(f"{name} is of complex numbers, which is not merged")
    return entry.dtype.is_floating_point


def _how(asked: Merge, name: str) -> tuple[Method, tuple[float, ...]]:
    for layer in asked.layers:
        if fnmatchcase(name, layer.pattern):
            return layer.method or asked.method, layer.weights or asked.weights
    return asked.method, asked.weights


def _patterns(asked: Merge, first: Checkpoint) -> None:
    for layer in asked.layers:
        if not any(fnmatchcase(name, layer.pattern) for name in first.entries):
            raise MergeError(
                f"--layer {layer.pattern}: no tensor has such a name; there are "
                f"{listed(first.entries)}"
            )


def _covers(extra: Checkpoint, first: Checkpoint, but: tuple[str, ...] = ()) -> None:
    """Refuses a base, or a file of Fisher information, that lacks what is merged."""
    averaged = {
        name: entry
        for name, entry in first.entries.items()
        if entry.dtype.is_floating_point and not name.endswith(but)
    }
    lacks = [name for name in averaged if name not in extra.entries]
    if lacks:
        raise MergeError(f"{extra.path} lacks {listed(lacks)}, which {first.path} has")
    for name, entry in averaged.items():
        if extra.entries[name].shape != entry.shape:
            raise MergeError(
                f"{name} is {'×'.join(map(str, entry.shape))} in {first.path} and "
                f"{'×'.join(map(str, extra.entries[name].shape))} in {extra.path}"
            )
