"""Writes a checkpoint again with some of its tensors exchanged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import MergeError
from .sharded import open_checkpoint
from .writing import written


def replace(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Writes `input` to `output`, with those tensors of it that `tensors`, another file, has.

    Raises:
        MergeError: One is not of the same shape, or a file can't be read or written.
    """
    key = asked.get("key")
    file, other = open_checkpoint(asked["input"], key), open_checkpoint(asked["tensors"])
    for name, entry in other.entries.items():
        if name not in file.entries or file.entries[name].shape != entry.shape:
            raise MergeError(f"{name} of {other.path} is not one of {file.path}")
    with written(asked["output"], file.entries, file.metadata, key, file.versions) as writer:
        for name, entry in file.entries.items():
            if entry.tied == name:
                source = other if name in other.entries else file
                writer.put(name, source.read(name).to(entry.dtype))
    return {"replaced": len(other.entries)}
