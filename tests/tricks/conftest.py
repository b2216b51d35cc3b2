"""Lets the tests of all families import the common suite: `from suite import ...`."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from assay.launch.environment import child_environment
from assay.testing import WarmRunner

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def run_with(
    warm: WarmRunner, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> Callable[..., "CompletedProcess[str]"]:
    """Runs the text of a script with tricks, as the launcher does; the last record is in `run`."""

    def run(text: str, *tricks: str, steps: int | None = None) -> "CompletedProcess[str]":
        folder = tmp_path / "run"
        if folder.exists():
            folder.rename(tmp_path / f"run{len(list(tmp_path.iterdir()))}")
        folder.mkdir()
        settings = {"tricks": list(tricks), "steps": steps}
        (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
        script = tmp_path / "train.py"
        script.write_text(text, encoding="utf-8")
        command = [sys.executable, str(script)]
        capfd.readouterr()
        status = warm.spawn(command, env=child_environment(folder)).wait(300)
        return CompletedProcess(command, status, *capfd.readouterr())

    return run
