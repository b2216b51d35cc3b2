"""A run folder with what a journal may hold, and the verb as a user starts it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from assay.cli.main import main
from assay.testing.folders import (
    evaluation_line,
    optimizer_line,
    sample_line,
    steps_line,
    write_run,
)

Export = Callable[..., tuple[int, str]]
NAME = "20260401-101500-train"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of 60 steps in `.assay/runs`, the working directory beside it."""
    monkeypatch.chdir(tmp_path)
    lines = [
        optimizer_line(),
        steps_line(0, [2.0 - step / 50 for step in range(30)]),
        sample_line(0, {"grad_norm": {"0.weight": 1.5, 'la"yer,\n层': 2.5}}),
        sample_line(7, {"grad_norm": {"0.weight": "nan"}, "step_quality": {"": "-inf"}}),
        evaluation_line(30, 1.25, 0.75),
        steps_line(30, [1.0, None, "inf", *[0.5] * 27]),
        evaluation_line(60, "nan"),
    ]
    return write_run(tmp_path / ".assay" / "runs" / NAME, lines)


@pytest.fixture
def export(capsys: pytest.CaptureFixture[str]) -> Export:
    """Runs the verb; its status and what it says on standard error."""

    def start(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["export", *words])
        assert isinstance(ended.value.code, int)
        return ended.value.code, capsys.readouterr().err

    return start
