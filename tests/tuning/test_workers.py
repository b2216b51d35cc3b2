"""Several processes work on one study, and what one that died has left is handed to another."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

optuna = pytest.importorskip("optuna")

from assay.launch.errors import LaunchError  # noqa: E402
from assay.launch.processes import began, kill_group  # noqa: E402
from assay.testing import WarmRunner  # noqa: E402
from assay.trials.child import Command  # noqa: E402
from assay.trials.experiment import Experiment  # noqa: E402
from assay.trials.plan import Budget  # noqa: E402
from assay.trials.runner import Runner  # noqa: E402
from assay.trials.store import Store  # noqa: E402
from assay.tuning.facts import read_facts  # noqa: E402
from assay.tuning.search import Asked, Search  # noqa: E402
from assay.tuning.space import read_space  # noqa: E402
from assay.tuning.study import Study  # noqa: E402
from assay.tuning.suggested import suggested  # noqa: E402
from assay.tuning.worker import Worker  # noqa: E402

Assay = Callable[..., "subprocess.CompletedProcess[str]"]
SPACE = read_space(["arg:--x=0.0:1.0"])
BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "tuning_workers.py"


def benchmark() -> Any:
    spec = importlib.util.spec_from_file_location("tuning_workers", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_workers_that_are_killed_lose_no_point(tmp_path: Path) -> None:
    found = benchmark().prove(tmp_path, 40, 3, 4, 1, 0.05)
    assert (found.told, found.lost, found.wrong) == (40, 0, 0)
    assert found.killed >= 1


def test_the_point_of_a_dead_worker_is_handed_over_once_and_its_run_ended(tmp_path: Path) -> None:
    first, second, third = (Study(tmp_path, SPACE, "random", 0, 9) for _ in range(3))
    number, point = first.ask()
    run = subprocess.Popen(["sleep", "60"], start_new_session=True)
    first.runs_in(number, run.pid, began(run.pid))
    other, _ = second.ask()
    assert other != number  # while the first lives
    first.leave()
    assert third.ask() == (number, point)
    assert run.wait(10) != 0
    assert second.ask()[0] not in (number, other)
    first.tell(number, 1.0)  # it was only thought dead: nobody hears of it
    assert third.tried()[number].state == "left"
    third.tell(number, 2.0)
    assert third.tried()[number].value == 2.0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the system has no such tie")
def test_a_run_ends_with_its_worker(tmp_path: Path) -> None:
    code = (
        "import time; from assay.launch.processes import start_tied;"
        "print(start_tied(['sleep', '60'], start_new_session=True).pid, flush=True); time.sleep(60)"
    )
    worker = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    run = int(worker.stdout.readline())
    assert began(run)
    worker.kill()
    worker.communicate()
    ends = time.monotonic() + 30
    while began(run) and time.monotonic() < ends:
        time.sleep(0.01)
    assert not began(run)


def test_a_number_that_another_process_has_now_is_not_killed() -> None:
    run = subprocess.Popen(["sleep", "60"], start_new_session=True)
    assert not kill_group(run.pid, "")
    assert not kill_group(run.pid, began(run.pid) + "0")
    assert run.poll() is None
    assert kill_group(run.pid, began(run.pid))
    run.wait(10)
    assert began(run.pid) == ""


def test_processes_ask_for_the_points_of_one(tmp_path: Path) -> None:
    drawn = []
    for folder, turns in (("one", 1), ("two", 2)):
        (tmp_path / folder).mkdir()
        studies = [Study(tmp_path / folder, SPACE, "random", 5, 9) for _ in range(turns)]
        drawn.append([studies[n % turns].ask()[1] for n in range(6)])
    assert drawn[0] == drawn[1]


SCRIPT = """
import argparse, torch
torch.set_num_threads(1)
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.001)
asked = parser.parse_args()
torch.manual_seed(0)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=asked.lr)
for step in range(20):
    x = torch.randn(32, 4)
    loss = torch.nn.functional.mse_loss(model(x), x.sum(1, keepdim=True))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


def test_a_worker_does_what_the_search_itself_would_have_done(
    tmp_path: Path, warm: WarmRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(SCRIPT)
    (tmp_path / "study").mkdir()
    command = Command(("train.py",), spawn=warm.spawn)
    space = read_space(["arg:--lr=1e-4:0.1:log"])
    stop = 2

    def interrupt(text: str) -> None:
        if text.startswith(f"{stop} of 5 points"):
            raise KeyboardInterrupt

    def search() -> Search:
        asked = Asked(space, ("train.py",), tmp_path / "study", "random", 1, 5, "none", (),
                      suggested, standing=interrupt)  # fmt: skip
        made: list[Search] = []
        experiment = Experiment(command, Store(tmp_path / "t"), Budget(seeds=2), "train")
        experiment.follow(lambda *parts: made.append(Search(*parts, asked)) or made[0])
        return made[0]

    def worker() -> Worker:
        facts = read_facts(tmp_path / "study")
        assert facts is not None
        study = Study(tmp_path / "study", space, "random", 1, 5)
        said.clear()
        runner = Runner(command, Store(tmp_path / "t"), tmp_path / "runs" / study.worker)
        return Worker(study, facts, runner, said.append)

    said: list[str] = []
    assert len(search().tuned.tried) == 2
    worker().work()  # the search is over: its points are not for others
    assert said == []
    Study(tmp_path / "study", space, "random", 1, 5).remember("open", value=True)
    worker().work()
    assert [line.split(":")[0] for line in said] == ["point 2", "point 3", "point 4"]
    stop = 0
    tried = search().tuned.tried
    assert [t.state for t in tried] == ["done"] * 5
    assert len({t.value for t in tried}) == 5
    (tmp_path / "train.py").write_text(SCRIPT + "# changed\n")
    Study(tmp_path / "study", space, "random", 1, 5).remember("open", value=True)
    with pytest.raises(LaunchError, match="not the file that the search began with"):
        worker().work()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--worker", "nowhere"], "there is no study in nowhere"),
        (["--worker", "nowhere", "train.py"], "--worker takes no command"),
        (["--workers", "0", "train.py"], "whole number from 1"),
        (
            ["--storage", "mysql://u:secret@h/d", "train.py"],
            "mysql://u:...@h/d: expected postgresql",
        ),
    ],
)
def test_bad_input_is_one_line(
    assay_here: Assay, tmp_path: Path, words: list[str], says: str
) -> None:
    (tmp_path / "train.py").write_text("raise SystemExit('it ran')")
    done = assay_here("tune", *words)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert says in done.stderr
    assert "secret" not in done.stderr
