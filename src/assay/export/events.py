"""Event files as their format has them: needs no TensorBoard and no protobuf.

A file is a row of records: length (8 bytes, little endian), a masked CRC-32C of these, the data,
and its masked CRC-32C (tensorflow/core/lib/io/record_writer.cc). The data is a protocol buffer
`Event` (tensorflow/core/util/event.proto, summary.proto).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

VERSION = "brain.Event:2"

_POLYNOMIAL = 0x82F63B78
"""CRC-32C of Castagnoli, bits reversed (RFC 3720, appendix B.4)."""
_DT_STRING = 7


def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (_POLYNOMIAL if byte & 1 else 0)
        table.append(byte)
    return tuple(table)


_TABLE = _table()


def crc32c(data: bytes) -> int:
    """Returns the CRC-32C of data."""
    crc, table = 0xFFFFFFFF, _TABLE
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def _record(data: bytes) -> bytes:
    """Returns data framed as one record."""
    length = struct.pack("<Q", len(data))
    return length + _masked(length) + data + _masked(data)


def _masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def _varint(number: int) -> bytes:
    number &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _part(field: int, data: bytes) -> bytes:
    """Returns a field that holds text, bytes or a message."""
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _event(time: float, step: int, rest: bytes) -> bytes:
    """Returns an event as a record; `time` in seconds since 1970."""
    counted = b"\x10" + _varint(step) if step else b""  # a zero is not written
    return _record(b"\x09" + struct.pack("<d", time) + counted + rest)


def version(time: float) -> bytes:
    """Returns the record that a file begins with."""
    return _event(time, 0, _part(3, _utf8(VERSION)))


def scalars(time: float, step: int, values: Iterable[tuple[bytes, float, bytes]]) -> bytes:
    """Returns the record of all numbers of a step, each between the head of its tag and a tail."""
    summary = b"".join(_part(1, head + _float(value) + tail) for head, value, tail in values)
    return _event(time, step, _part(5, summary))


def head(tag: str) -> bytes:
    """Returns what stands before each number of a tag."""
    return _part(1, _utf8(tag)) + b"\x15"


def description(text: str) -> bytes:
    """Returns what stands behind the first number of a tag: its description, if there is one."""
    return _part(9, _part(3, _utf8(text))) if text else b""


def _float(value: float) -> bytes:
    try:
        return struct.pack("<f", value)
    except OverflowError:  # beyond what 32 bits hold
        return struct.pack("<f", float("inf") if value > 0 else float("-inf"))


def markdown(time: float, step: int, tag: str, text: str) -> bytes:
    """Returns the record of a text: a tensor of one string, for TensorBoard's text plugin."""
    tensor = b"\x08" + _varint(_DT_STRING) + _part(2, _part(2, b"\x08\x01")) + _part(8, _utf8(text))
    metadata = _part(1, _part(1, b"text"))
    value = _part(1, _utf8(tag)) + _part(8, tensor) + _part(9, metadata)
    return _event(time, step, _part(5, _part(1, value)))
