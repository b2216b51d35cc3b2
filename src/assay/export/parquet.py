"""The same table as a Parquet file, with the report in its metadata; needs pyarrow."""

from __future__ import annotations

import importlib
import json
from typing import Any, BinaryIO

from ..launch.errors import LaunchError
from ..report.model import Report
from .measured import COLUMNS, Measured, everything

ROWS = 1 << 17
"""In a row group, at least: a file of a thousand small ones is slow to read."""


def needed() -> Any:
    """Returns the parts of pyarrow that are needed.

    Raises:
        LaunchError: It is not there.
    """
    try:
        importlib.import_module("pyarrow.parquet")
        return importlib.import_module("pyarrow")
    except ImportError:
        raise LaunchError("parquet needs pyarrow: pip install 'assay[parquet]'") from None


def write(report: Report, file: BinaryIO) -> None:
    """Writes the table in row groups: a long run need not fit into memory twice.

    Raises:
        LaunchError: pyarrow is not there.
    """
    arrow = needed()
    text = arrow.dictionary(arrow.int32(), arrow.string())
    types = (arrow.int32(), text, arrow.int32(), *[text] * 3, arrow.int64(), arrow.float64())
    about = json.dumps(report.as_dict(), ensure_ascii=False, allow_nan=False)
    schema = arrow.schema(
        list(zip(COLUMNS, types, strict=True)),
        metadata={b"assay": about.encode("utf-8", "replace")},
    )
    with arrow.parquet.ParquetWriter(file, schema) as writer:
        waiting, rows = [], 0
        for one in everything(report.view):
            waiting.append(_batch(arrow, schema, one))
            rows += len(one.series)
            if rows >= ROWS:
                _write(arrow, writer, waiting)
                waiting, rows = [], 0
        _write(arrow, writer, waiting)


def _write(arrow: Any, writer: Any, batches: list[Any]) -> None:
    if batches:
        writer.write_table(arrow.Table.from_batches(batches).unify_dictionaries())


def _batch(arrow: Any, schema: Any, one: Measured) -> Any:
    """Returns the rows of one series; `array` lends its memory, no number is made an object."""
    rows, training = len(one.series), one.training
    zero = arrow.repeat(arrow.scalar(0, arrow.int32()), rows)

    def same(text: str) -> Any:
        text = text.encode("utf-8", "replace").decode()
        return arrow.DictionaryArray.from_arrays(zero, arrow.array([text], arrow.string()))

    def whole(number: int) -> Any:
        return arrow.repeat(arrow.scalar(number, arrow.int32()), rows)

    said = [whole(training.index), same(training.optimizer), whole(training.rank)]
    said += [same(one.signal), same(one.unit), same(one.place)]
    steps = arrow.Array.from_buffers(
        arrow.int64(), rows, [None, arrow.py_buffer(one.series.steps.tobytes())]
    )
    values = arrow.Array.from_buffers(
        arrow.float64(), rows, [None, arrow.py_buffer(one.series.values.tobytes())]
    )
    return arrow.record_batch([*said, steps, values], schema=schema)
