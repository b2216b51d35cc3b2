"""What any step can answer is asked in runs of ten steps too, and right models answer rightly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assay.testing.scripts import check_script

HERE = Path(__file__).parent
ASKED = ("attention-unscaled", "causal-leak", "input-ignored", "linear-stack",
         "padding-mask-ignored", "residual-scaled-away", "samples-mixed")  # fmt: skip
"""Checks whose question every step answers, whatever has been learnt."""


@pytest.mark.parametrize("name", ASKED)
def test_ten_steps_are_enough(warm: Any, name: str) -> None:
    folder, short = HERE / name.replace("-", "_"), {"steps": 10}
    _, sick = check_script(folder / "sick.py", settings=short, observe=warm.observe)
    _, right = check_script(folder / "healthy.py", settings=short, observe=warm.observe)
    assert name in {finding.check for finding in sick.findings}
    assert name in right.silent
    assert name not in {finding.check for finding in right.findings}
