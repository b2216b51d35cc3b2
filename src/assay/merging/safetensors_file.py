"""Reads safetensors: eight bytes of length, a table as JSON, the data.

Not by the library of that name: it may be missing where torch is not, it can't write tensor by
tensor, and what it maps into memory stays there until the whole file is closed.
"""

from __future__ import annotations

import json
import os
import struct
from typing import Any

import torch

from .checkpoint import Checkpoint, Entry
from .errors import MergeError

LONGEST_TABLE = 100_000_000
"""Bytes; the limit of the format's own reader."""

DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2, "C64": torch.complex64,
    "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8,
    "U64": torch.uint64, "U32": torch.uint32, "U16": torch.uint16, "U8": torch.uint8,
    "BOOL": torch.bool,
}  # fmt: skip


class SafetensorsFile(Checkpoint):
    """A safetensors file; the format has neither ties nor code."""

    def __init__(self, path: str) -> None:
        self.path = path
        table = self._table()
        kept = table.pop("__metadata__", None) or {}
        if not isinstance(kept, dict):
            raise self._damaged("its metadata is no table")
        self.metadata = {str(key): str(value) for key, value in kept.items()}
        self.entries: dict[str, Entry] = {}
        self._places: dict[str, int] = {}
        spans = sorted(self._span(name, row) for name, row in table.items())
        end = 0
        for begin, after, name in spans:
            if begin != end:
                raise self._damaged(f"the data of {name} do not begin where those before it end")
            end = after
        if self._data + end != self._size:
            raise self._damaged(
                f"its table tells of {self._data + end:,} bytes, and it has {self._size:,}"
            )
        self.entries = {name: self.entries[name] for name in table}

    def read(self, name: str, begin: int = 0, end: int | None = None) -> torch.Tensor:
        """Returns a tensor, or a flat piece of it, in memory of its own.

        Raises:
            MergeError: The file has become shorter since it was opened.
        """
        entry = self.entries[name]
        shape = entry.shape if end is None else (end - begin,)
        if not entry.bytes:
            return torch.empty(shape, dtype=entry.dtype)
        data = bytearray(torch.Size(shape).numel() * entry.dtype.itemsize)
        try:
            with open(self.path, "rb", buffering=0) as file:
                file.seek(self._data + self._places[name] + begin * entry.dtype.itemsize)
                view, done = memoryview(data), 0
                while done < len(data):
                    if not (got := file.readinto(view[done:])):
                        raise self._damaged(f"it ends within {name}")
                    done += got
        except OSError as error:
            raise MergeError(f"{self.path}: can't be read: {error.strerror}") from None
        return torch.frombuffer(data, dtype=torch.uint8).view(entry.dtype).reshape(shape)

    def _table(self) -> dict[str, Any]:
        with open(self.path, "rb") as file:
            self._size = os.fstat(file.fileno()).st_size
            head = file.read(8)
            if len(head) < 8:
                raise self._damaged(f"it has {len(head)} bytes")
            (length,) = struct.unpack("<Q", head)
            self._data = 8 + length
            if length > min(LONGEST_TABLE, self._size - 8):
                raise self._damaged(f"its table would have {length:,} bytes")
            raw = file.read(length)
        try:
            table = json.loads(raw)
        except (ValueError, RecursionError):
            table = None
        if not isinstance(table, dict):
            raise self._damaged("its table is no JSON")
        return table

    def _span(self, name: str, row: Any) -> tuple[int, int, str]:
        try:
            kind, shape, (begin, end) = row["dtype"], tuple(row["shape"]), row["data_offsets"]
        except (KeyError, TypeError, ValueError):
            raise self._damaged(f"its table does not describe {name}") from None
        if kind not in DTYPES:
            raise MergeError(f"{self.path}: {name} is {kind}, which torch can't read")
        numbers = (*shape, begin, end)
        if not all(type(number) is int and 0 <= number < 2**63 for number in numbers):
            raise self._damaged(f"its table does not describe {name}")
        entry = Entry(shape, DTYPES[kind], name)
        if end - begin != entry.bytes:
            raise self._damaged(f"{name} has {end - begin:,} bytes, its shape {entry.bytes:,}")
        self.entries[name], self._places[name] = entry, begin
        return begin, end, name

    def _damaged(self, why: str) -> MergeError:
        return MergeError(f"{self.path}: damaged or no safetensors file: {why}")
