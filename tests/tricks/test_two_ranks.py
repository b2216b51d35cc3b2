"""Tricks on two ranks: as written by hand, decided by both, and never waiting for ever."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from two_ranks import CASES, REFUSED

from assay.testing import WarmRunner

SCRIPT = Path(__file__).with_name("two_ranks.py")
LIMIT_S = 300


@pytest.fixture(scope="module")
def ranks(warm: WarmRunner, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    folder = tmp_path_factory.mktemp("ranks")
    env = {k: v for k, v in os.environ.items() if k != "ASSAY_RUN"}
    process = warm.spawn([sys.executable, str(SCRIPT), str(folder)], env=env)
    assert process.wait(LIMIT_S) == 0
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)]


@pytest.mark.parametrize("case", CASES)
def test_as_by_hand_on_both_ranks(case: str, ranks: list[Any]) -> None:
    both = [found["same"][case] for found in ranks]
    for found in both:
        parts = {name: found[name] for name in ("weights", "losses", "held", "synced", "changed")}
        if case == "accumulate, uneven":  # each window is gathered first there
            parts["synced"] = True
        assert parts == dict.fromkeys(parts, True), found
    if case != "skip-non-finite, on one rank" and "shards" not in case:  # own weights
        assert both[0]["digest"] == both[1]["digest"]


@pytest.mark.parametrize("trick", REFUSED)
def test_refused_by_all_where_nothing_tells_who_steps_together(
    trick: str, ranks: list[Any]
) -> None:
    lines = {found["refused"][trick] for found in ranks}
    (line,) = lines
    assert line.startswith(f"trick {trick}: ")
    why = {"accumulate": "join()", "ema": "shards"}
    assert why.get(trick, "which of them step together") in line
