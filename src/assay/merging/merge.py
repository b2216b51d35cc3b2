"""Merges checkpoints into a file, one tensor at a time."""

from __future__ import annotations

import dataclasses
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
from .methods.trimming import Trim
from .sharded import open_checkpoint
from .writing import written

PIECE = 2**22
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

    differ: list[str] = field(default_factory=list)
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

    def given(name: str, begin: int, end: int | None, full: list[torch.Tensor]) -> Given:
        exact = full[0].dtype
        base = others[0].read(name, begin, end).to(exact) if others else None
        own = [
            fisher.read(name, begin, end).to(exact)
            if name in fisher.entries
            else torch.ones_like(full[0])
            for fisher in fishers
        ]
        return Given(name, full, _how(asked, name)[1], base, own)

    def read(name: str, begin: int, end: int | None) -> list[torch.Tensor]:
        kind = first.entries[name].dtype
        exact = torch.float64 if kind is torch.float64 else torch.float32
        return [file.read(name, begin, end).to(exact) for file in files]

    def seen_whole(name: str, entry: Entry, method: Method) -> Trim | None:
        entries = torch.Size(entry.shape).numel()
        trim = method.trim(len(files), entries, wide=entry.dtype is torch.float64)
        if trim is None or asked.output is None:
            return None
        for _ in range(trim.passes):
            for begin, end in _pieces(entry, whole=False):
                trim.see(method.looked_at(given(name, begin, end, read(name, begin, end))))
            trim.turn()
        return trim

    def each(put: Any) -> None:
        for name, entry in first.entries.items():
            if entry.tied != name:
                continue
            if not floating(name, entry):
                own = [file.read(name) for file in files]
                if any(not torch.equal(own[0], other) for other in own[1:]):
                    seen.differ.append(name)
                put(name, own[0])
                continue
            method, _ = _how(asked, name)
            trim = seen_whole(name, entry, method)
            for begin, end in _pieces(entry, whole=not method.by_entry):
                full = read(name, begin, end)
                likeness.add(name, entry.shape, full)
                for file, tensor in zip(files, full, strict=True):
                    if not bool(torch.isfinite(tensor).all()):
                        seen.broken.setdefault(file.path, {})[name] = None
                if asked.output is not None:
                    piece = dataclasses.replace(given(name, begin, end, full), trim=trim)
                    put(name, method.merge(piece).to(entries[name].dtype), begin)

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
        "differ": seen.differ,
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
