"""Unit tests of `boxes-malformed`, on invented runs, and of what it reads."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.loss.boxes_malformed import BoxesMalformed
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = BoxesMalformed()
PLACE = "overlap (boxes.py:7)"


def found(shares: list[float]) -> list[Any]:
    facts = {"place": PLACE, "line": ["boxes.py", 7, "iou"]}
    event = Event("overlap", 0, facts, Site("train.py", 31))
    return list(CHECK.review(make_run(events=[event], boxes_reversed={PLACE: shares})))


def test_reversed_corners_at_every_call_are_found_on_the_line_of_the_overlap() -> None:
    (finding,) = found([0.5, 0.25, 0.01])
    assert finding.where.site == Site("boxes.py", 7, "iou")
    assert finding.summary.startswith("at all 3 sampled calls of an overlap, 25% of the boxes")


@pytest.mark.parametrize("shares", [[], [0.0], [0.5, 0.0], [math.nan] * 2])
def test_now_and_then_is_silent(shares: list[float]) -> None:
    assert found(shares) == []
