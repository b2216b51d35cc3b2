"""One JSON object: the report, and every series with its steps and values."""

from __future__ import annotations

import json
from typing import Any, BinaryIO

from ..journal.numbers import json_safe, to_json
from ..journal.series import Series
from ..report.model import Report
from .measured import measured

SCHEMA = 1


def write(report: Report, file: BinaryIO) -> None:
    """Writes series by series: a long run need not fit into memory twice."""

    def put(text: str) -> None:
        file.write(text.encode("utf-8", "replace"))

    head = {"schema": SCHEMA, "report": report.as_dict()}
    put(f"{_dumps(head)[:-1]},\n")
    put('"trainings":[')
    for number, training in enumerate(report.view.trainings):
        about = {
            "index": training.index,
            "optimizer": training.optimizer,
            "rank": training.rank,
            "steps": training.steps,
            "groups": [_group(group.settings) for group in training.groups],
        }
        put(f"{',' if number else ''}\n{_dumps(about)[:-1]},\n" + '"series":[')
        for place, one in enumerate(measured(training)):
            line = {
                "signal": one.signal,
                "unit": one.unit,
                "place": one.place,
                **_columns(one.series),
            }
            put(f"{',' if place else ''}\n{_dumps(line)}")
        put("\n]}")
    put("\n]}\n")


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _group(settings: Any) -> dict[str, Any]:
    """Returns a group's settings, with words for what JSON has no number for."""
    return dict(json_safe(settings))


def _columns(series: Series) -> dict[str, Any]:
    return {"steps": list(series.steps), "values": [to_json(value) for value in series.values]}
