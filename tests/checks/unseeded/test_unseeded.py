"""Unit tests of `unseeded`, on invented runs."""

from __future__ import annotations

import pytest

from assay.checks.reproducibility.unseeded import Unseeded
from assay.journal.view import Event, RunView
from assay.testing import make_run

CHECK = Unseeded()


def run(*kinds: str) -> RunView:
    return make_run(
        loss=[1.0], events=[Event("seed", 0, {"of": kind, "value": 0}) for kind in kinds]
    )


@pytest.mark.parametrize(
    ("kinds", "said"),
    [(("random",), "random was seeded, torch"), (("random", "numpy"), "random and numpy were")],
)
def test_torch_is_not_seeded(kinds: tuple[str, ...], said: str) -> None:
    (finding,) = CHECK.review(run(*kinds))
    assert finding.severity == "note"
    assert finding.summary.startswith(said)


def test_silent_where_it_is_and_not_judged_where_nothing_is() -> None:
    assert list(CHECK.review(run("numpy", "torch"))) == []
    assert list(CHECK.review(run())) == []
    assert CHECK.why_skipped(run()) is not None
