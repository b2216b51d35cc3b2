"""Unit tests of `loss-rows-rearranged`, on invented runs."""

from __future__ import annotations

import pytest

from assay.checks.loss.loss_rows_rearranged import LossRowsRearranged
from assay.journal.view import Event, Site
from assay.testing import make_run, only_finding

CHECK = LossRowsRearranged()


def run(share: float, how: str):
    event = Event("rows_moved", 0, {"how": how, "line": ["net.py", 12, "loss"]})
    return make_run(loss=[1.0] * 4, rows_rearranged=[share], events=[event] if how else [])


@pytest.mark.parametrize(
    ("how", "words"), [("mixed", "classes of several places"), ("elsewhere", "another place")]
)
def test_what_is_wrong_is_told_with_its_line(how: str, words: str) -> None:
    finding = only_finding(CHECK, run(0.96, how))
    assert finding.where.site == Site("net.py", 12, "loss")
    assert words in finding.summary
    assert finding.summary.startswith("96% of the rows")


def test_rows_in_their_place_are_silent() -> None:
    assert list(CHECK.review(run(0.0, ""))) == []
