"""Reads a folder of shards: an index says which tensor lies in which file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from .checkpoint import Checkpoint, Entry
from .errors import MergeError
from .safetensors_file import SafetensorsFile
from .torch_file import TorchFile

ALONE = ("model.safetensors", "pytorch_model.bin")
"""The names of a model that is small enough for one file."""


class Shards(Checkpoint):
    """A checkpoint in several files, with an index."""

    def __init__(self, index: Path, path: str) -> None:
        self.path = path
        places = _places(index, path)
        self._files: dict[str, Checkpoint] = {}
        self.metadata: dict[str, str] = {}
        self.entries: dict[str, Entry] = {}
        for name, file in places.items():
            if file not in self._files:
                self._files[file] = shard = _shard(index.parent / file, path)
                self.metadata.update(shard.metadata)
            if name not in self._files[file].entries:
                raise MergeError(f"{path}: the index says that {name} lies in {file}: it does not")
            self.entries[name] = self._files[file].entries[name]
        self._places = places

    def read(self, name: str, begin: int = 0, end: int | None = None) -> torch.Tensor:
        """Returns a tensor, or a flat piece of it, in memory of its own."""
        return self._files[self._places[name]].read(name, begin, end)


def open_checkpoint(path: str, key: str | None = None) -> Checkpoint:
    """Opens a file or a folder, by what it holds and not by its name.

    Args:
        path: A safetensors file, a file of torch.save, a folder with an index, or the index.
        key: Where the weights lie in a file of torch.save that holds more; others have no keys.

    Raises:
        MergeError: It is not there, is of no such kind, or is damaged.
    """
    place = Path(path)
    try:
        if place.is_dir():
            index = _index(place, path)
            return open_checkpoint(str(index), key) if index.suffix != ".json" else Shards(
                index, path
            )  # fmt: skip
        if place.name.endswith(".index.json"):
            return Shards(place, path)
        with place.open("rb") as file:
            head = file.read(9)
        if not head:
            raise MergeError(f"{path}: empty")
        if head[:4] == b"PK\x03\x04" or head[:1] == b"\x80":
            return TorchFile(path, key)
        if head[8:9] == b"{" or place.suffix == ".safetensors":
            return SafetensorsFile(path)
    except FileNotFoundError:
        raise MergeError(f"{path}: no such file") from None
    except OSError as error:
        raise MergeError(f"{path}: can't be read: {error.strerror}") from None
    raise MergeError(f"{path}: neither a safetensors file nor one of torch.save")


def _index(folder: Path, path: str) -> Path:
    found = sorted(folder.glob("*.index.json"))
    if len(found) > 1:
        raise MergeError(f"{path}: has {len(found)} indices: name one, such as {found[0]}")
    if found:
        return found[0]
    for name in ALONE:
        if (folder / name).is_file():
            return folder / name
    raise MergeError(f"{path}: a folder without an index of shards (*.index.json)")


def _places(index: Path, path: str) -> dict[str, str]:
    try:
        kept: Any = json.loads(index.read_bytes())
        places = dict(kept["weight_map"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise MergeError(f"{path}: the index has no weight_map: damaged") from None
    for name, file in places.items():
        if not isinstance(file, str) or Path(file).name != file:
            raise MergeError(f"{path}: the index leads out of its folder: {name} in {file!r}")
    return places


def _shard(file: Path, path: str) -> Checkpoint:
    if not file.is_file():
        raise MergeError(f"{path}: the shard {file.name} is missing")
    return TorchFile(str(file)) if zipfile_or_pickle(file) else SafetensorsFile(str(file))


def zipfile_or_pickle(file: Path) -> bool:
    """Whether a file was written by torch.save."""
    with file.open("rb") as opened:
        return opened.read(4)[:2] in (b"PK", b"\x80\x02", b"\x80\x04")
