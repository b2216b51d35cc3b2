"""The report as JSON: one object, written whole or not at all."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from .atomic import write_whole
from .model import Report


def write_json(report: Report, target: str) -> None:
    """Writes the report to a file, or to standard output for `-`.

    Args:
        report: What to write.
        target: A path, or `-`.

    Raises:
        OSError: The file can't be written; one that was there stays as it was.
    """
    text = json.dumps(report.as_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    data = text.encode("utf-8", "replace")
    if target == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    write_whole(Path(target), data)
