"""`assay tune`, as a person uses it."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

optuna = pytest.importorskip("optuna")

from assay.checks.registry import CHECKS  # noqa: E402
from assay.launch.errors import LaunchError  # noqa: E402
from assay.testing import WarmRunner  # noqa: E402
from assay.trials.child import Command  # noqa: E402
from assay.trials.experiment import Experiment  # noqa: E402
from assay.trials.metric import TRAINING  # noqa: E402
from assay.trials.plan import CONTROL, Budget, Job  # noqa: E402
from assay.trials.runner import Runner  # noqa: E402
from assay.trials.store import Store  # noqa: E402
from assay.trials.trial import Trial  # noqa: E402
from assay.tuning.pruning import Watch  # noqa: E402
from assay.tuning.search import Asked, Search  # noqa: E402
from assay.tuning.space import read_space  # noqa: E402
from assay.tuning.study import Study  # noqa: E402
from assay.tuning.suggested import suggested  # noqa: E402
from assay.tuning.terms import Terms  # noqa: E402

Assay = Callable[..., "subprocess.CompletedProcess[str]"]
pytestmark = pytest.mark.timeout(900)

SCRIPT = """
import argparse, math
from statistics import fmean
import torch
torch.set_num_threads(1)
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.001)
parser.add_argument("--momentum", type=float, default=0.0)
parser.add_argument("--title", default="mine")
asked = parser.parse_args()
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=asked.lr, momentum=asked.momentum)
target = torch.randn(4, 1)
losses = []
for step in range(20):
    x = torch.randn(32, 4)
    loss = torch.nn.functional.mse_loss(model(x), x @ target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
print(repr(fmean(losses[-2:]) if math.isfinite(losses[-1]) else math.inf))
"""
SEARCH = ["--search", "arg:--lr=1e-4:3:log", "--search", "arg:--momentum=0.0:0.9"]


BOTH = ["--metric", "loss", "--metric", "time"]


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "train.py"
    path.write_text(SCRIPT)
    return path


@pytest.fixture
def assay(assay_here: Assay) -> Assay:
    return assay_here


def tuned(done: subprocess.CompletedProcess[str], folder: Path) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "out.json").read_text())["tuning"]


def test_the_optimum_is_that_of_optuna_with_a_hand_written_objective(
    assay: Assay, script: Path, warm: WarmRunner
) -> None:
    runs = 9

    def objective(trial: Any) -> float:
        lr = trial.suggest_float("arg:--lr", 1e-4, 3, log=True)
        momentum = trial.suggest_float("arg:--momentum", 0.0, 0.9)
        words = ["--lr", repr(lr), "--momentum", repr(momentum)]
        with (script.parent / "said").open("w") as said:
            warm.spawn([sys.executable, str(script), *words], stdout=said).wait()
        loss = float((script.parent / "said").read_text())
        if loss == float("inf"):
            raise optuna.TrialPruned
        return loss

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    plain = optuna.create_study(sampler=optuna.samplers.CmaEsSampler(seed=1))
    plain.enqueue_trial({"arg:--lr": 0.001, "arg:--momentum": 0.0})
    plain.optimize(objective, n_trials=runs)
    options = ["--sampler", "cmaes", "--seed", "1", "--runs", str(runs), "--jobs", "1"]
    done = assay("tune", *SEARCH, *options, "--seeds", "2", "--json", "out.json", "train.py")
    found = tuned(done, script.parent)
    ours = [(p["values"], p["value"]) for p in found["points"]]
    assert ours == [(t.params, t.value) for t in plain.trials]
    assert found["best"] == plain.best_params
    assert found["points"][0]["own"]
    assert found["control"] == plain.trials[0].value
    pruned = [p["why"] for p in found["points"] if p["state"] == "pruned"]
    assert pruned == ["diverged: the training loss is not finite at the end"] * len(pruned)
    rows = csv.DictReader((Path(found["study"]) / "points.csv").read_text().splitlines())
    assert [row["training loss"] for row in rows] == [
        "" if value is None else repr(value) for _, value in ours
    ]
    assert "python train.py --lr" in done.stderr

    again = assay("tune", "--resume", *options[:-4], "--runs", "10", "--jobs", "1", "--seeds", "2",
                  "--json", "out.json", "train.py")  # fmt: skip
    longer = tuned(again, script.parent)
    assert longer["points"][:runs] == found["points"]
    assert len(longer["points"]) == 10


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--search", "lr=1:0"], "upside down"),
        (["--search", "lrr=0:1"], "unknown trick"),
        (["--sampler", "tpee"], "did you mean tpe?"),
        (["--runs", "0"], "whole number from 1"),
        (["--seed", "-1"], "whole number from 0"),
        (["--resume"], "no study of this command yet"),
        (["--resume", "--study", "none"], "no study in none"),
        (["--study", "."], "not empty"),
        (["--search", "file:none.yaml:a=1:2"], "no such file"),
        (["--json", "no/such/folder.json"], "no directory"),
        (["--metric", "lose"], "expected one of loss, held-out-loss"),
        (["--metric", "re:("], "no regular expression"),
        (["--metric", "re:loss"], "expected one group"),
        (["--metric", "max:loss"], "expected one of loss"),
        (["--metric", "signal:grad_nrm"], "there is no signal 'grad_nrm'"),
        (["--metric", "time", "--metric", "loss"], "loss: it comes first"),
        (["--metric", "time", "--metric", "time"], "given twice"),
        (
            ["--metric", "loss", "--metric", "time", "--sampler", "cmaes"],
            "cmaes takes one --metric",
        ),
        (
            ["--metric", "loss", "--metric", "time", "--pruner", "median"],
            "median takes one --metric",
        ),
        (["--pruner", "wilcoxon"], "wilcoxon compares seeds: give each point some"),
        (["--pruner", "median", "--repeat", "3"], "with --repeat use wilcoxon"),
        (["--serch", "lr=0:1"], "did you mean --search?"),
    ],
)
def test_bad_input_is_one_line_before_anything_runs(
    assay: Assay, tmp_path: Path, words: list[str], says: str
) -> None:
    (tmp_path / "train.py").write_text("raise SystemExit('it ran')")
    done = assay("tune", *words, "train.py")
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.startswith("assay: ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / ".assay").exists()


def test_options_behind_the_script_and_arguments_that_nothing_reads(
    assay: Assay, tmp_path: Path
) -> None:
    (tmp_path / "train.py").write_text("raise SystemExit('it ran')")
    done = assay("tune", "train.py", "--search", "lr=0.1:1")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "assay tune --search lr=0.1:1 train.py" in done.stderr
    done = assay("tune", "--search", "arg:--lr=0.1:1", "train.py")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "reads no arguments" in done.stderr
    (tmp_path / "c.json").write_text('{"a": 1}')
    done = assay("tune", "--search", "file:c.json:a=1:2", "train.py")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "does not name c.json" in done.stderr


def test_without_optuna(assay: Assay, script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "optuna" else find(name, *a)
    )
    done = assay("tune", *SEARCH, "train.py")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "pip install 'assay[tune]'" in done.stderr


@pytest.mark.parametrize(
    ("search", "says"),
    [
        ("arg:--title=a,b", "a,b: the script ignores it: its losses are the same, to the last bit"),
        ("env:NOBODY_READS=1,2", "1,2: the script ignores it"),
        ("arg:--hiden=8:64", "8:64: the script does not take it: "),
        ("balance-classes=none,0.5", "--search: a trick does not fit: balance-classes"),
    ],
)
def test_what_the_script_does_not_listen_to_is_told_before_the_search(
    assay: Assay, script: Path, search: str, says: str
) -> None:
    done = assay("tune", "--search", search, "train.py")
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert says in last
    assert last.startswith("assay: --search")
    assert done.stderr.count(says) == 1


@pytest.mark.parametrize(
    ("metric", "says"),
    [
        ("held-out-error", "it was never seen; measured were: training loss"),
        ("re:accuracy (.*)", "nothing that the script prints matches it"),
    ],
)
def test_a_metric_that_is_never_seen(assay: Assay, script: Path, metric: str, says: str) -> None:
    done = assay("tune", *SEARCH, "--metric", metric, "train.py")
    assert done.returncode == 2
    assert says in done.stderr.splitlines()[-1]
    assert done.stderr.count(says) == 1


def test_what_the_script_prints_is_made_small(assay: Assay, script: Path) -> None:
    script.write_text(SCRIPT + "\nprint('score', 100 * asked.momentum + asked.lr)\n")
    options = ["--metric", "re:^score (.*)$", "--sampler", "grid", "--runs", "5", "--seeds", "2"]
    done = assay("tune", *SEARCH, *options, "--json", "out.json", "train.py")
    found = tuned(done, script.parent)
    assert found["metric"] == "re:^score (.*)$"
    assert found["control"] == 0.001
    values = [(p["values"]["arg:--lr"], p["values"]["arg:--momentum"]) for p in found["points"]]
    assert values[0] == (0.001, 0.0)
    assert set(values[1:]) == {(1e-4, 0.0), (1e-4, 0.9), (3.0, 0.0), (3.0, 0.9)}
    assert [p["value"] for p in found["points"] if p["value"] is not None] == [
        100 * m + lr for lr, m in values
    ]
    assert found["best"] == {"arg:--lr": 1e-4, "arg:--momentum": 0.0}


LONG = (
    SCRIPT.replace("range(20)", "range(3000)")
    .replace("losses.append(loss.item())", "losses.append(loss.item()); time.sleep(0.01)")
    .replace("import argparse, math", "import argparse, math, time")
)


def terms(*broken: str) -> Terms:
    return Terms(TRAINING, 1.0, broken, 3000, 1.0, None, None, 9, 1, {})


def test_a_run_that_meets_an_exact_finding_is_ended_on_its_way(
    tmp_path: Path, warm: WarmRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    never_reset = LONG.replace("    optimizer.zero_grad()\n", "")
    assert never_reset != LONG
    (tmp_path / "train.py").write_text(never_reset)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study").mkdir()
    study = Study(tmp_path / "study", (), "random", 0, 5)
    command = Command(("train.py",), spawn=warm.spawn)
    runner = Runner(command, Store(tmp_path / "trials"), tmp_path / "runs")
    job = Job(CONTROL, 0)
    runner.doubt = Watch(study, terms(), CHECKS, lambda job: []).why
    runner.run([job])
    result = runner.results[job]
    assert result.state == "ended"
    assert result.why.startswith("exact finding: zero-grad-missing (train.py:")
    assert result.steps < 3000
    # one that the script as it is has too is held against no point
    known = Watch(study, terms("zero-grad-missing"), CHECKS, lambda job: [])
    assert "zero-grad-missing" not in [check.name for check in known.checks]


def test_runs_that_come_to_nothing_are_ended_on_their_way(
    tmp_path: Path, warm: WarmRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "train.py"
    script.write_text(LONG)
    monkeypatch.chdir(tmp_path)
    command = Command(("train.py", "--lr", "1e10"), spawn=warm.spawn)
    folder = tmp_path / "study"
    folder.mkdir()
    watch = Watch(Study(folder, (), "random", 0, 5), terms(), CHECKS, lambda job: [])
    runner = Runner(command, Store(tmp_path / "trials"), tmp_path / "runs")
    runner.doubt = watch.why
    job = Job(CONTROL, 0)
    runner.run([job])
    result = runner.results[job]
    assert (result.state, result.why) == ("ended", "diverged: the last 20 losses were not finite")
    assert result.steps < 3000


def test_a_run_that_is_worse_than_those_before_is_given_up(
    tmp_path: Path, warm: WarmRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "train.py"
    script.write_text(LONG)
    monkeypatch.chdir(tmp_path)
    command = Command(("train.py", "--lr", "1e-4"), spawn=warm.spawn)
    folder = tmp_path / "study"
    folder.mkdir()
    study = Study(folder, read_space(["lr=1e-4:1"]), "random", 0, 9, "median")
    for _ in range(6):
        number, _ = study.ask()
        for mark in range(1, 10):
            study.report(number, mark, 0.01)
        study.tell(number, 0.01)
    number, _ = study.ask()
    watch = Watch(study, terms(), CHECKS, lambda job: [number])
    runner = Runner(command, Store(tmp_path / "trials"), tmp_path / "runs")
    runner.doubt = watch.why
    job = Job(CONTROL, 0)
    runner.run([job])
    result = runner.results[job]
    assert result.state == "ended"
    assert result.why.startswith("given up by the pruner after 1 of 10 parts of the steps, with a ")
    assert result.steps < 3000


def test_ctrl_c_keeps_all_and_the_study_goes_on(
    script: Path, warm: WarmRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(script.parent)
    folder = script.parent / "study"
    folder.mkdir()

    def interrupt(text: str) -> None:
        if text.startswith("3 of 4 points"):
            raise KeyboardInterrupt

    def go_on(standing: Callable[[str], None]) -> tuple[Trial, list[Any]]:
        space = read_space(["arg:--lr=1e-4:0.1:log"])
        asked = Asked(space, ("train.py",), folder, "random", 1, 4, "none", (), suggested,
                      standing=standing)  # fmt: skip
        made: list[Search] = []
        command = Command(("train.py",), spawn=warm.spawn)
        experiment = Experiment(command, Store(script.parent / "t"), Budget(seeds=2), "train")
        trial = experiment.follow(lambda *parts: made.append(Search(*parts, asked)) or made[0])
        return trial, made[0].tuned.tried

    trial, tried = go_on(interrupt)
    assert trial.interrupted == "interrupted"
    assert [t.state for t in tried] == ["done"] * 3
    trial, more = go_on(lambda text: None)
    assert not trial.interrupted
    assert more[:3] == tried
    assert len(more) == 4
    assert trial.resumed >= 1
    script.write_text(SCRIPT + "\n# changed\n")
    with pytest.raises(LaunchError, match="has changed since the study"):
        go_on(lambda text: None)
