"""Ranks whose seconds are over stop at the same step."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.watching import stopping
from assay.watching.stopping import stops_now


@pytest.fixture
def with_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "is_alone", lambda: False)


def test_a_process_alone_stops_when_its_time_is_over(tmp_path: Path) -> None:
    folder = str(tmp_path)
    assert not stops_now(folder, 5, over=False)
    assert stops_now(folder, 5, over=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("with_others")
@pytest.mark.parametrize("late", [True, False])
def test_ranks_stop_at_the_step_that_the_first_has_written_down(tmp_path: Path, late: bool) -> None:
    folder = str(tmp_path)
    assert not stops_now(folder, 6, over=False)
    if not late:  # this rank has ended step 7 before the other has looked at the clock
        assert not stops_now(folder, 7, over=False)
    assert not stops_now(folder, 7, over=True)
    if late:
        assert not stops_now(folder, 7, over=True)
    assert stops_now(folder, 8, over=True)
    assert stops_now(folder, 8, over=False)
    assert [path.name for path in tmp_path.iterdir()] == ["stop-at"]


@pytest.mark.usefixtures("with_others")
def test_a_folder_that_is_gone_leaves_each_rank_its_own_clock(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    assert not stops_now(gone, 6, over=False)
    assert stops_now(gone, 7, over=True)
