"""A table of plain text: one number a row, whatever was measured."""

from __future__ import annotations

import csv
from typing import BinaryIO

from ..report.model import Report
from .measured import COLUMNS, everything


def write(report: Report, file: BinaryIO) -> None:
    """Writes the header and every number; what is not finite is `nan`, `inf` or `-inf`."""
    text = _Text(file)
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for one in everything(report.view):
        training = one.training
        start = (training.index, training.optimizer, training.rank, one.signal, one.place)
        table.writerows((*start, step, value) for step, value in one.series)


class _Text:
    """What csv writes to: names that are no valid Unicode must not end the export."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        return self._file.write(text.encode("utf-8", "replace"))
