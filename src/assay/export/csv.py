"""A table of plain text: one number a row, whatever was measured."""

from __future__ import annotations

import csv
import io
from typing import BinaryIO

from ..report.model import Report
from .measured import COLUMNS, everything


def write(report: Report, file: BinaryIO) -> None:
    """Writes the header and every number; what is not finite is `nan`, `inf` or `-inf`."""
    # a name that is no valid Unicode must not end the export
    text = io.TextIOWrapper(file, "utf-8", errors="replace", newline="")
    try:
        table = csv.writer(text, lineterminator="\n")
        table.writerow(COLUMNS)
        for one in everything(report.view):
            training = one.training
            start = (training.index, training.optimizer, training.rank)
            where = (one.signal, one.unit, one.place)
            table.writerows((*start, *where, step, value) for step, value in one.series)
    finally:
        text.detach()  # the file is the caller's, who closes it
