"""Writes a checkpoint tensor by tensor: whole or not at all, and never in the place of an input."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import secrets
import struct
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Protocol

import torch

from .checkpoint import Entry
from .errors import MergeError
from .safetensors_file import DTYPES

TORCH = (".pt", ".pth", ".bin", ".ckpt")
NAMES = {dtype: name for name, dtype in DTYPES.items()}


class Writer(Protocol):
    """Takes each tensor once."""

    def put(self, name: str, tensor: torch.Tensor, begin: int = 0) -> None:
        """Writes one tensor; of tied ones, the first.

        Args:
            name: Of the tensor.
            tensor: Whole, or a piece of it; pieces come in their order.
            begin: The entry at which the piece begins.
        """


@contextlib.contextmanager
def written(
    path: str,
    entries: Mapping[str, Entry],
    metadata: Mapping[str, str],
    key: str | None = None,
    versions: object = None,
) -> Iterator[Writer]:
    """Gives a writer of a draft, which takes the file's name once all has gone well.

    Args:
        path: Where to; its ending says how (`.safetensors`, or one of torch's).
        entries: What will be put.
        metadata: Text to lie beside it; a torch file has no place for it.
        key: Under which a torch file has its state dict; None for the state dict alone.
        versions: `_metadata` of the state dict.

    Raises:
        MergeError: It can't be written.
    """
    target = Path(path)
    # named before it is made: whenever the process is told to end, there is something to remove
    draft = str(target.with_name(f".{target.name}.{secrets.token_hex(4)}"))
    try:
        with open(draft, "xb+") as file:
            if target.suffix in TORCH:
                yield _TorchWriter(file, draft, entries, key, versions)
            else:
                yield _SafetensorsWriter(file, entries, metadata)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, target)
    except OSError as error:
        raise MergeError(f"{path}: can't be written: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(OSError):
            os.unlink(draft)


def raw(tensor: torch.Tensor) -> memoryview:
    """Returns the bytes of a tensor, without a copy if it is contiguous."""
    flat = tensor.contiguous()
    size = flat.numel() * flat.itemsize
    # through the address: torch hands out its memory only to NumPy, which may be missing
    return memoryview((ctypes.c_ubyte * size).from_address(flat.data_ptr())).cast("B")


class _SafetensorsWriter:
    def __init__(
        self, file: IO[bytes], entries: Mapping[str, Entry], metadata: Mapping[str, str]
    ) -> None:
        self._file = file
        self._places: dict[str, int] = {}
        self._aliases: dict[str, list[str]] = {}
        table: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
        place = 0
        # the widest first, as the format's own writer has them: then all are aligned
        for name in sorted(entries, key=lambda name: -entries[name].dtype.itemsize):
            entry = entries[name]
            if entry.dtype not in NAMES:
                raise MergeError(f"{name} is {entry.dtype}, which safetensors has no name for")
            end = place + entry.bytes
            table[name] = {
                "dtype": NAMES[entry.dtype],
                "shape": list(entry.shape),
                "data_offsets": [place, end],
            }
            self._places[name] = place
            if entry.tied != name:
                self._aliases.setdefault(entry.tied, []).append(name)
            place = end
        text = json.dumps(table, separators=(",", ":"), ensure_ascii=False).encode()
        text += b" " * (-len(text) % 8)
        file.write(struct.pack("<Q", len(text)) + text)
        self._data = 8 + len(text)
        file.truncate(self._data + place)

    def put(self, name: str, tensor: torch.Tensor, begin: int = 0) -> None:
        """Writes a tensor, under its other names too: the format knows no ties."""
        for each in (name, *self._aliases.get(name, ())):
            self._file.seek(self._data + self._places[each] + begin * tensor.itemsize)
            if tensor.numel():
                self._file.write(raw(tensor))


class _TorchWriter:
    """Has torch write the file without its data, and puts those where they belong."""

    def __init__(
        self,
        file: IO[bytes],
        draft: str,
        entries: Mapping[str, Entry],
        key: str | None,
        versions: object,
    ) -> None:
        self._file, self._sum = file, 0
        # memory that is asked for and never touched costs nothing
        state: OrderedDict[str, torch.Tensor] = OrderedDict()
        for name, entry in entries.items():
            known = entry.tied != name
            state[name] = state[entry.tied] if known else torch.empty(
                entry.shape, dtype=entry.dtype
            )  # fmt: skip
        if versions is not None:
            state._metadata = versions  # type: ignore[attr-defined]
        kept: Any = state
        for part in reversed(key.split(".")) if key else ():
            kept = {part: kept}
        self._skeleton(kept)
        own = [name for name, entry in entries.items() if entry.tied == name]
        with zipfile.ZipFile(draft) as archive:
            infos = {
                int(info.filename.rpartition("/")[2]): info
                for info in archive.infolist()
                if "/data/" in info.filename
            }
            self._places = dict(zip(own, (infos[i] for i in range(len(own))), strict=True))
            self._sums = self._checksums(archive.start_dir)

    def _skeleton(self, kept: Any) -> None:
        if not hasattr(torch.serialization, "skip_data"):
            raise MergeError("writing a torch file needs torch 2.6: write FILE.safetensors")
        with torch.serialization.skip_data():
            torch.save(kept, self._file)
        self._file.flush()

    def _checksums(self, place: int) -> dict[str, int]:
        """Returns where the archive's directory has each file's checksum."""
        found = {}
        self._file.seek(place)
        directory = self._file.read()
        at = 0
        while directory[at : at + 4] == b"PK\x01\x02":
            name, extra, comment = struct.unpack("<HHH", directory[at + 28 : at + 34])
            found[directory[at + 46 : at + 46 + name].decode()] = place + at + 16
            at += 46 + name + extra + comment
        return found

    def put(self, name: str, tensor: torch.Tensor, begin: int = 0) -> None:
        """Writes the data of a tensor, and their checksum once all are there."""
        data = raw(tensor) if tensor.numel() else memoryview(b"")
        info = self._places[name]
        self._file.seek(info.header_offset + 26)
        names, extra = struct.unpack("<HH", self._file.read(4))
        place = info.header_offset + 30 + names + extra
        self._file.seek(place + begin * tensor.itemsize)
        self._file.write(data)
        self._sum = zlib.crc32(data, self._sum if begin else 0)
        if not data or begin * tensor.itemsize + len(data) < info.file_size:
            return
        checksum = struct.pack("<I", self._sum)
        self._file.seek(place + info.file_size + 4)  # past the mark of what follows the data
        self._file.write(checksum)
        self._file.seek(self._sums[info.filename])
        self._file.write(checksum)
