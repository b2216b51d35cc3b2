"""Unit tests of `real-and-fake-mixed-in-batchnorm`, on invented runs."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checks.gan.real_and_fake_mixed_in_batchnorm import RealAndFakeMixedInBatchnorm
from assay.journal.view import RunView, Site
from assay.testing import make_run
from assay.testing.turns import call, loss, step, turn

CHECK = RealAndFakeMixedInBatchnorm()


def run(**more: Any) -> RunView:
    settings = {"fed": ("G",), "mixed": True, "batch_norm": True, **more}
    one = turn(loss(10, call("D", 9, **settings)), step(0, "D"))
    return make_run(loss=[1.0] * 9, events=[one, one])


def test_it_is_told_once() -> None:
    (finding,) = CHECK.review(run())
    assert finding.where.site == Site("train.py", 9, "<module>")


@pytest.mark.parametrize("more", [{"mixed": False}, {"batch_norm": False}, {"wants": False}])
def test_others_are_silent(more: dict[str, bool]) -> None:
    assert CHECK.why_skipped(run(**more)) is None
    assert list(CHECK.review(run(**more))) == []


def test_a_run_without_what_another_made_is_skipped() -> None:
    assert CHECK.why_skipped(run(fed=(), mixed=False)) is not None
