"""Back ends from outside Optuna: their points, the same for the same seed, in a study of ours."""

from __future__ import annotations

import importlib.util
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

optuna = pytest.importorskip("optuna")


from assay.tuning.samplers import OUTSIDE  # noqa: E402
from assay.tuning.space import Point, read_space  # noqa: E402
from assay.tuning.study import Study  # noqa: E402

Assay = Callable[..., "subprocess.CompletedProcess[str]"]
SPACE = read_space(["lr=1e-4:1:log", "arg:--n=1:9", "arg:--drop=0.0:0.5", "clip-norm=none,0.5,1.0"])
RUNS = 24


def valley(point: Point) -> float:
    lr, n, drop = (float(point[name]) for name in ("lr", "arg:--n", "arg:--drop"))
    clipped = 0.0 if point["clip-norm"] == "none" else 0.3
    return (math.log10(lr) + 2) ** 2 + 0.1 * (n - 4) ** 2 + drop + clipped


def search(folder: Path, sampler: str, runs: int = RUNS, seed: int = 3) -> Study:
    folder.mkdir(exist_ok=True)
    study = Study(folder, SPACE, sampler, seed, RUNS)
    while (asked := study.ask_within(runs)) is not None:
        study.tell(asked[0], None if asked[0] == 5 else valley(asked[1]))
    study.leave()
    return study


@pytest.mark.parametrize("sampler", OUTSIDE)
def test_points_are_the_library_s_and_the_study_goes_on(tmp_path: Path, sampler: str) -> None:
    pytest.importorskip(sampler, reason=f"{sampler} is not installed")
    runs = RUNS if sampler == "hyperopt" else 13  # a Gaussian process takes a second a point
    whole = search(tmp_path / "whole", sampler, runs).tried()
    search(tmp_path / "cut", sampler, runs - 2)
    cut = search(tmp_path / "cut", sampler, runs).tried()
    assert [dict(t.point) for t in cut] == [dict(t.point) for t in whole]
    assert all(d.holds(t.point[d.name]) for t in whole for d in SPACE)
    assert all(isinstance(t.point["arg:--n"], int) for t in whole)
    other = search(tmp_path / "other", sampler, seed=4, runs=3).tried()
    assert other[0].point != whole[0].point
    values = [t.value for t in whole if t.value is not None]
    assert len(values) == runs - 1
    if sampler == "hyperopt":  # it learns: its last points are better than most of its first
        assert min(values[-8:]) < sorted(values[:9])[2]


def test_the_first_points_with_a_model_are_those_of_hyperopt_itself(tmp_path: Path) -> None:
    hyperopt = pytest.importorskip("hyperopt", reason="hyperopt is not installed")
    import numpy as np

    from assay.tuning.by_hyperopt import Hyperopt

    space = read_space(["arg:--x=0.0:1.0"])
    theirs: list[float] = []

    def objective(x: float) -> float:
        theirs.append(float(x))
        return (x - 0.3) ** 2

    trials = hyperopt.Trials()
    told: list[tuple[Point, float]] = []
    back_end = Hyperopt(space)
    for number in range(14):
        # one point at a time, so that each has a seed that both know
        state = np.random.default_rng(number)
        seed = int(np.random.default_rng(number).integers(2**31 - 1))
        suggest = hyperopt.rand.suggest
        if number >= 10:
            suggest = hyperopt.partial(hyperopt.tpe.suggest, n_startup_jobs=10)
        hyperopt.fmin(objective, hyperopt.hp.uniform("arg:--x", 0.0, 1.0), algo=suggest,
                      max_evals=number + 1, trials=trials, rstate=state, verbose=False,
                      show_progressbar=False)  # fmt: skip
        ours = back_end.ask(told, seed)
        assert ours["arg:--x"] == pytest.approx(theirs[-1], abs=0)
        told.append(({"arg:--x": theirs[-1]}, objective(theirs[-1])))
        theirs.pop()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--sampler", "hyperopt"], "pip install 'assay[hyperopt]'"),
        (["--sampler", "skopt"], "pip install 'assay[skopt]'"),
        (["--engine", "ray", "--workers", "2"], "pip install 'assay[ray]'"),
        (["--engine", "dask"], "invalid choice: 'dask'"),
    ],
)
def test_what_is_not_there_is_one_line(
    assay_here: Assay,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    says: str,
) -> None:
    find = importlib.util.find_spec
    gone = ("hyperopt", "skopt", "ray")
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name in gone else find(name, *a)
    )
    (tmp_path / "train.py").write_text("raise SystemExit('it ran')")
    done = assay_here("tune", *words, "train.py")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert says in done.stderr


def test_a_cluster_of_ray_runs_points(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="ray is not installed")
    (tmp_path / "train.py").write_text(SCRIPT)
    words = ["--engine", "ray", "--workers", "2", "--runs", "6", "--seeds", "2", "--study", "lr",
             "--search", "arg:--lr=1e-4:0.1:log", "train.py"]  # fmt: skip
    done = subprocess.run([sys.executable, "-m", "assay", "tune", *words], cwd=tmp_path,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "6 points by tpe" in done.stderr
    said = "".join(log.read_text() for log in (tmp_path / "lr").glob("worker-ray-*.log"))
    assert "training loss" in said  # the cluster's worker has run some of them
    study = Study(tmp_path / "lr", read_space(["arg:--lr=1e-4:0.1:log"]), "tpe", 0, 6)
    assert [t.state for t in study.tried()] == ["done"] * 6


SCRIPT = """
import argparse, torch
torch.set_num_threads(1)
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.001)
asked = parser.parse_args()
torch.manual_seed(0)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=asked.lr)
for step in range(12):
    x = torch.randn(32, 4)
    loss = torch.nn.functional.mse_loss(model(x), x.sum(1, keepdim=True))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
