"""What goes wrong later: in the second of two trainings, or after half of the steps.

Each script marks its fault as those of `tests/checks` do; a twin of them all is right.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from assay.journal.view import RunView
from assay.testing import WarmRunner
from assay.testing.scripts import check_script

SCRIPTS = Path(__file__).resolve().parent / "scripts"
SICK = sorted(p for p in SCRIPTS.glob("*.py") if p.stem != "second_healthy")
EXPECT = re.compile(r"# expect: ([a-z0-9-]+)( anywhere)?\s*$", re.MULTILINE)


@pytest.mark.parametrize("script", SICK, ids=lambda script: script.stem)
def test_it_is_found(script: Path, warm: WarmRunner) -> None:
    text = script.read_text(encoding="utf-8")
    (mark,) = EXPECT.finditer(text)
    _, diagnosis = check_script(script, observe=warm.observe)
    first = diagnosis.findings[0]
    assert first.check == mark[1]
    if not mark[2]:
        assert first.where.site is not None
        line = text[: mark.start()].count("\n") + 1
        step = text.count("\n", 0, text.find("fine_tuning.step()")) + 1
        assert first.where.site.line in (line, step)


def test_a_right_second_training_is_left_alone(warm: WarmRunner) -> None:
    view, diagnosis = check_script(SCRIPTS / "second_healthy.py", observe=warm.observe)
    assert [f.check for f in diagnosis.findings if f.severity != "note"] == []
    first, second = view.trainings
    for signal in ("step_quality", "sharpness", "grad_norm_total"):
        if signal in first.signals:
            counts = [len(training.series(signal)) for training in (first, second)]
            assert counts[1] >= 0.8 * counts[0], signal
            if signal != "sharpness":  # it costs 30 steps: once, in a training of 400
                assert max(second.series(signal).steps) >= 0.75 * second.steps, signal


def sampled_steps(view: RunView) -> list[tuple[int, ...]]:
    return [tuple(training.series("step_quality").steps) for training in view.trainings]


def test_load_changes_nothing(warm: WarmRunner) -> None:
    script = SCRIPTS / "second_healthy.py"
    alone, _ = check_script(script, observe=warm.observe)
    burn = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(burn) for _ in range(4)]
    try:
        busy, _ = check_script(script, observe=warm.observe)
    finally:
        for other in others:
            other.kill()
            other.wait()
    assert sampled_steps(alone) == sampled_steps(busy)
    assert alone.facts["cost"]["samples"] == busy.facts["cost"]["samples"]
    assert alone.facts["cost"]["last"] == busy.facts["cost"]["last"]
    for signal in ("sharpness", "rate_times_sharpness"):
        for one, other in zip(alone.trainings, busy.trainings, strict=True):
            assert list(one.series(signal)) == list(other.series(signal))
