"""Records of several machines make one run: found beside each other, or joined by a command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assay.cli.join import main
from assay.journal.parts import parts, siblings
from assay.journal.reader import read_run
from assay.launch.errors import LaunchError
from assay.report import make_report
from assay.report.ending import how_it_ended
from assay.report.foot import processes
from assay.testing.folders import STARTED_S, append_lines, optimizer_line, steps_line, write_run


def machine(
    folder: Path,
    node: int,
    *,
    world: int = 4,
    meeting: str = "10.0.0.1:29500",
    late: float = 0.0,
    finished: bool = True,
    **more: Any,
) -> Path:
    """Two ranks of a machine; their numbers as processes are the same on each."""
    for local in (0, 1):
        rank = 2 * node + local
        begin = {"k": "begin", "pid": 70 + local, "rank": rank, "world": world, "t": 100.0}
        group = {
            "k": "process_group", "rank": rank, "world": world, "backend": "gloo",
            "local_rank": local, "node": f"node{node}", "meeting": meeting,
            "time": STARTED_S + 5 + late,
        }  # fmt: skip
        mesh = {"k": "mesh", "shape": [2, 2], "names": ["replicate", "shard"]}
        end = [{"k": "end", "time": STARTED_S + 9}] if finished else []
        folder.mkdir(parents=True, exist_ok=True)
        lines = [{**begin, "time": STARTED_S + rank + late}, group, mesh, optimizer_line()]
        losses = [float(rank), 1.0]
        append_lines(folder, [*lines, steps_line(0, losses), *end], pid=70 + local)
    account = folder / "run.json"
    write_run(folder, pid=1, ended=finished, **more)
    (folder / "journal-1.jsonl").unlink()
    assert account.exists()
    return folder


def test_ranks_beside_each_other_are_one_run(tmp_path: Path) -> None:
    first, second = machine(tmp_path / "a", 0), machine(tmp_path / "b", 1)
    machine(tmp_path / "other job", 1, meeting="10.0.0.9:29500")
    machine(tmp_path / "the day before", 1, late=-90_000.0)
    assert parts(first) == [first, second]
    assert parts(second) == [second, first]
    view = read_run(first)
    assert [training.rank for training in view.trainings] == [0, 1, 2, 3]
    assert [training.series("loss").first for training in view.trainings] == [0.0, 1.0, 2.0, 3.0]
    known = view.facts["processes"]
    assert [p["node"] for p in known] == ["node0", "node0", "node1", "node1"]
    assert known[3]["mesh"] == {"shape": [2, 2], "names": ["replicate", "shard"]}
    report = make_report(view, [])
    assert processes(report) == "4 processes on 2 machines"
    assert how_it_ended(view) is None


def test_a_run_with_all_its_ranks_looks_for_no_others(tmp_path: Path) -> None:
    whole = machine(tmp_path / "a", 0, world=2)
    machine(tmp_path / "b", 1, world=2)
    assert siblings(whole) == []
    alone = machine(tmp_path / "far" / "a", 0)
    assert processes(make_report(read_run(alone), [])) == "4 processes (2 recorded)"


def test_ranks_of_another_machine_that_still_runs_have_not_died(tmp_path: Path) -> None:
    first = machine(tmp_path / "a", 0)
    second = machine(tmp_path / "b", 1, finished=False)
    append_lines(second, [{"k": "end", "time": STARTED_S + 9}], pid=70)
    assert "deaths" not in read_run(first).facts
    account = json.loads((second / "run.json").read_text())
    (second / "run.json").write_text(json.dumps({**account, "exit_code": 1, "ended": "now"}))
    (death,) = read_run(first).facts["deaths"]
    assert death.rank == 3


def test_one_command_joins_records_from_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = machine(tmp_path / "here" / "20260401-101500-train", 0)
    second = machine(tmp_path / "copied" / "20260401-101501-train", 1, exit_code=3)
    base = tmp_path / "runs"
    assert main([str(second), str(first), "--run-dir", str(base)]) == 0
    (joined,) = base.iterdir()
    assert joined.name.endswith("-train-joined")
    assert f"joined 4 ranks of 2 records: assay report {joined.name}" in capsys.readouterr().err
    view = read_run(joined)
    assert [training.rank for training in view.trainings] == [0, 1, 2, 3]
    assert (view.facts["exit_code"], view.facts["id"]) == (3, joined.name)
    assert not view.errors


def test_what_can_not_be_joined(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = machine(tmp_path / "a" / "x", 0)
    plain = write_run(tmp_path / "b" / "x", [optimizer_line(), steps_line(0, [1.0])])
    smaller = machine(tmp_path / "c" / "x", 1, world=3)
    beside = ["--run-dir", str(tmp_path / "runs")]
    for runs, said in (
        ([first], "at least two runs"),
        ([first, plain], "holds no rank"),
        ([first, first], "join takes each run once"),
        ([first, smaller], "trainings of other sizes: 3"),
        ([first, machine(tmp_path / "d" / "x", 0)], "rank 0 is in"),
    ):
        with pytest.raises(LaunchError, match=said):
            main([*map(str, runs), *beside])
    assert not (tmp_path / "runs").exists()
    larger = [machine(tmp_path / name / "x", node, world=8) for node, name in enumerate("ef")]
    assert main([*map(str, larger), *beside]) == 0
    assert "no record of ranks 4, 5, 6 and 7 is among them" in capsys.readouterr().err
