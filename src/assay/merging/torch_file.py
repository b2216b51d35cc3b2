"""Reads what torch.save wrote: weights only, never code, mapped and not loaded."""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import torch

from .checkpoint import Checkpoint, Entry
from .errors import MergeError

MAPPED = 32 * 2**20
"""After so many bytes the file is mapped anew: what has been read of a map stays in memory."""


class TorchFile(Checkpoint):
    """A state dict in a file of torch.save, or one below a key of it."""

    def __init__(self, path: str, key: str | None = None) -> None:
        self.path, self._key = path, key
        self.metadata = {}
        self._mapped = zipfile.is_zipfile(path)  # files from before torch 1.6 can't be mapped
        self._state = self._open()
        self.versions = getattr(self._state, "_metadata", None)
        self._read = 0
        for name, tensor in self._state.items():
            if tensor.layout is not torch.strided or tensor.is_quantized:
                raise MergeError(f"{path}: {name} is sparse or quantised, which can't be merged")
        ties = _ties(path, self._state)
        self.entries = {
            name: Entry(tuple(tensor.shape), tensor.dtype, ties[name])
            for name, tensor in self._state.items()
        }

    def read(self, name: str, begin: int = 0, end: int | None = None) -> torch.Tensor:
        """Returns a tensor, or a flat piece of it, in memory of its own, contiguous."""
        entry = self.entries[name]
        size = entry.bytes if end is None else (end - begin) * entry.dtype.itemsize
        if self._mapped and self._read and self._read + size > MAPPED:
            self._state, self._read = self._open(), 0
        self._read += size
        found = self._state[name].detach()
        if end is not None:
            found = found.reshape(-1)[begin:end]
        return found.clone(memory_format=torch.contiguous_format)

    def _open(self) -> Mapping[str, torch.Tensor]:
        return _state_dict(self.path, _load(self.path, mapped=self._mapped), self._key)


def _load(path: str, *, mapped: bool) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except Exception as error:  # what a damaged file makes torch raise is of any kind
        text = str(error)
        if "Weights only load failed" in text:
            code = re.search(r"GLOBAL (\S+)", text)
            what = f"names {code[1]}" if code else "is pickled otherwise than weights are"
            raise MergeError(
                f"{path}: refused: it {what}, and a file of weights may not call code; "
                "save the state dict alone"
            ) from None
        if "TorchScript" in text:
            raise MergeError(f"{path}: a TorchScript archive; save its state dict") from None
        line = next(iter(text.splitlines()), "") or type(error).__name__
        raise MergeError(f"{path}: damaged or no torch file: {line[:120]}") from None


def _state_dict(path: str, kept: Any, key: str | None) -> Mapping[str, torch.Tensor]:
    found = kept
    for part in key.split(".") if key else ():
        if not isinstance(found, Mapping) or part not in found:
            raise MergeError(f"{path}: nothing lies under --key {key}{_offer(kept)}")
        found = found[part]
    if not _is_state_dict(found):
        what = f"what lies under --key {key} is" if key else "it is"
        raise MergeError(f"{path}: {what} no state dict{_offer(kept)}")
    return found


def _is_state_dict(kept: Any) -> bool:
    return (
        isinstance(kept, Mapping)
        and bool(kept)
        and all(isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in kept.items())
    )


def _offer(kept: Any) -> str:
    if not isinstance(kept, Mapping):
        return f" but {type(kept).__name__}"
    keys = [str(key) for key, value in kept.items() if _is_state_dict(value)]
    if keys:
        return f"; weights lie under {' and '.join(f'--key {key}' for key in keys[:4])}"
    return f"; it has {', '.join(map(str, list(kept)[:6])) or 'nothing'}"


def _ties(path: str, state: Mapping[str, torch.Tensor]) -> dict[str, str]:
    """Returns for each name the first one with the same data.

    Raises:
        MergeError: Two tensors share some of their memory, but are not the same.
    """
    first: dict[tuple[Any, ...], str] = {}
    ties = {}
    spans: list[tuple[int, int, str]] = []
    for name, tensor in state.items():
        if not tensor.numel():
            ties[name] = name
            continue
        place = (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype)
        ties[name] = first.setdefault(place, name)
        if ties[name] == name:
            steps = zip(tensor.shape, tensor.stride(), strict=True)
            reach = sum((size - 1) * stride for size, stride in steps) + 1
            begin = tensor.data_ptr()
            spans.append((begin, begin + reach * tensor.itemsize, name))
    for (_, end, one), (begin, _, other) in pairwise(sorted(spans)):
        if begin < end:
            raise MergeError(
                f"{path}: {one} and {other} share a part of their memory, so merging one would "
                "change the other; save copies (tensor.clone())"
            )
    return ties
