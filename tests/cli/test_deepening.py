"""`assay check --deep`: which extra run is made, and that its result reaches the run's record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assay.cli import deepening
from assay.journal.view import Event, RunView
from assay.launch.errors import LaunchError
from assay.testing import make_run
from assay.trials.files import PutBack
from assay.trials.retracing import Traced

NAN = float("nan")


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Notes which runs are made instead of making them; a trace of this fixture finds nothing."""
    runs: list[str] = []

    def trace(view: RunView, *given: Any) -> Traced:
        runs.append("trace")
        return Traced(found=bool(view.facts.get("found")))

    def run_ladder(*given: Any, **more: Any) -> PutBack:
        runs.append("ladder")
        return PutBack(lost=["model.pt"])

    monkeypatch.setattr(deepening, "trace", trace)
    monkeypatch.setattr(deepening, "run_ladder", run_ladder)
    return runs


def traced_event() -> Event[Any]:
    facts = {"at": 2, "what": "loss", "op": "log", "phase": "forward", "forward": None}
    return Event("nonfinite_traced", 2, facts, training=0)


@pytest.mark.parametrize(
    ("view", "runs"),
    [
        (make_run(loss=[1.0, 0.9, 0.8], optimizer="SGD"), ["ladder"]),
        (make_run(loss=[1.0, 0.9, NAN], facts={"found": True}), ["trace"]),
        (make_run(loss=[1.0, 0.9, NAN]), ["trace", "ladder"]),
        (make_run(loss=[1.0, 0.9, NAN], events=[traced_event()]), []),
        (make_run(loss=[1.0, 0.9, NAN], facts={"world": 2}), ["trace"]),
        (make_run(loss=[1.0, 0.9, 0.8], facts={"world": 2}), []),
    ],
    ids=[
        "healthy",
        "found",
        "nothing met",
        "told by the run itself",
        "several processes",
        "and finite",
    ],
)
def test_the_run_that_can_tell_is_made(
    view: RunView, runs: list[str], made: list[str], tmp_path: Path
) -> None:
    deepening.deepen(view, ["train.py"], tmp_path)
    assert made == runs


def test_several_processes_climb_no_ladder_and_that_is_told(
    made: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deepening.deepen(make_run(loss=[1.0, 0.9], facts={"world": 2}), ["train.py"], tmp_path)
    said = "no ladder: several processes train, and it computes with one alone"
    assert capsys.readouterr().err == f"assay: --deep: {said}\n"


def test_a_file_that_is_lost_is_told(
    made: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deepening.deepen(make_run(loss=[1.0, 0.9]), ["train.py"], tmp_path)
    assert "model.pt was changed by the extra run" in capsys.readouterr().err


def test_a_script_that_can_t_be_started_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def trace(*given: Any) -> Traced:
        raise LaunchError("train.py: no such file")

    monkeypatch.setattr(deepening, "trace", trace)
    deepening.deepen(make_run(loss=[1.0, NAN]), ["train.py"], tmp_path)
    assert capsys.readouterr().err == "assay: --deep: train.py: no such file\n"
