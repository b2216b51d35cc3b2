"""Unit tests of `freeze-without-effect`, on invented runs."""

from __future__ import annotations

import pytest

from assay.checks.finding import Finding
from assay.checks.optimizer.freeze_without_effect import FreezeWithoutEffect
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = FreezeWithoutEffect()
EVENT = Event("vain_freeze", 0, {"place": "trunk", "line": ["net.py", 7, ""]})


def found(*shares: float) -> list[Finding]:
    series = {"trunk": list(shares)}
    run = make_run(frozen_share=[0.0] * 3, frozen_in_vain=series, events=[EVENT])
    return list(CHECK.review(run))


def test_what_is_trained_at_all_samples_is_named_with_its_line() -> None:
    (finding,) = found(1.0, 1.0, 1.0)
    assert (finding.where.site, finding.where.module) == (Site("net.py", 7, ""), "trunk")
    assert finding.summary == (
        "`requires_grad = False` was set on the module trunk, and all its parameters that SGD #0 "
        "holds had a gradient at all 3 sampled steps"
    )


@pytest.mark.parametrize("shares", [(), (1.0, 1.0), (1.0, 0.0, 0.0), (1.0, 0.5, 1.0)])
def test_what_is_frozen_later_or_in_part_is_silent(shares: tuple[float, ...]) -> None:
    assert found(*shares) == []
