"""What is made small or large, one metric or several, with one seed a point or several."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

optuna = pytest.importorskip("optuna")

from assay.launch.errors import LaunchError  # noqa: E402
from assay.testing import WarmRunner  # noqa: E402
from assay.trials.metric import HIGHER, Measured  # noqa: E402
from assay.trials.result import Result  # noqa: E402
from assay.tuning.metric import Metric, higher, read_metrics  # noqa: E402
from assay.tuning.outcome import outcome  # noqa: E402
from assay.tuning.space import read_space  # noqa: E402
from assay.tuning.study import Study, Tried  # noqa: E402
from assay.tuning.terms import Terms  # noqa: E402
from assay.tuning.tuned import Tuned  # noqa: E402

Assay = Callable[..., "subprocess.CompletedProcess[str]"]
SPACE = read_space(["arg:--lr=1e-3:0.1:log"])

SCRIPT = """
import argparse, torch
torch.set_num_threads(1)
parser = argparse.ArgumentParser()
parser.add_argument("--width", type=int, default=4)
asked = parser.parse_args()
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(4, asked.width), torch.nn.Linear(asked.width, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for step in range(12):
    x = torch.randn(32, 4)
    loss = torch.nn.functional.mse_loss(model(x), x.sum(1, keepdim=True))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("score", asked.width / 10)
"""


@pytest.fixture(scope="module")
def run(warm: WarmRunner, tmp_path_factory: pytest.TempPathFactory) -> Result:
    folder = tmp_path_factory.mktemp("run")
    (folder / "train.py").write_text(SCRIPT)
    warm.observe([str(folder / "train.py")], run_dir=folder / "run")
    (folder / "run" / "output.txt").write_text("score 0.1\nscore 0.4\n")
    return Result("done", 12, 3.5, Measured({"training loss": 2.0}), folder=str(folder / "run"))


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("time", 3.5, "seconds of a run"),
        ("size", 4 * 4 + 4 + 4 + 1, "trainable numbers"),
        ("training-loss", 2.0, "training loss, as asked"),
        ("re:score (.*)", 0.4, "re:score (.*)"),
        ("max:re:score (.*)", -0.4, "re:score (.*) (higher is better)"),
        ("signal:learning_rate", 0.01, "signal:learning_rate"),
    ],
)
def test_values(run: Result, text: str, value: float, kind: str) -> None:
    metric = Metric.read(text)
    assert metric is not None
    assert (metric.value(run), metric.kind) == (value, kind)
    assert metric.of(run).measured.values[kind] == value


def test_a_signal_at_several_places_says_which(run: Result) -> None:
    metric = Metric.read("signal:weight_norm")
    assert metric is not None
    assert "say where, signal:weight_norm:PLACE, one of: 0.weight, 0.bias" in metric.missing(run)
    one = Metric.read("signal:weight_norm:0.weight")
    assert one is not None
    assert one.value(run) > 0


def test_several() -> None:
    first, others = read_metrics(["loss", "max:re:(.)", "size"])
    assert first is None
    assert [metric.text for metric in others] == ["max:re:(.)", "size"]
    assert higher(["loss", "max:re:(.)", "size"]) == (False, True, False)
    assert read_metrics([]) == (None, ())
    with pytest.raises(LaunchError, match="given twice"):
        read_metrics(["size", "size"])


def test_a_point_has_the_mean_of_its_seeds() -> None:
    def result(value: float, seconds: float = 1.0) -> Result:
        return Result("done", 10, seconds, Measured({"training loss": value}))

    terms = Terms.of([result(4.0), result(6.0)], "training loss", None, None, 9)
    assert (terms.control, terms.seeds) == (5.0, 2)
    time = Metric.read("time")
    assert time is not None
    found = outcome([result(1.0, 2.0), result(3.0, 4.0)], terms, [time])
    assert found == ((2.0, 3.0), "")
    failed = Result("failed", 1, 1.0, why="ended with status 1")
    assert outcome([result(1.0), failed], terms) == (None, "ended with status 1")


def test_optuna_is_told_what_is_made_large_as_it_is(tmp_path: Path) -> None:
    study = Study(tmp_path, SPACE, "nsga2", 0, 20, higher=(False, True))
    for place in range(6):
        number, _ = study.ask()
        study.tell(number, None if place == 5 else (1.0 - 0.1 * place, -0.2 * place))
    study.ask()
    told = optuna.load_study(study_name="assay", storage=study._storage)
    assert [d.name for d in told.directions] == ["MINIMIZE", "MAXIMIZE"]
    assert told.trials[2].values == pytest.approx([0.8, 0.4])
    assert study.tried()[2].values == pytest.approx((0.8, -0.4))
    assert study.tried()[5].state == "pruned"


@pytest.mark.parametrize("sampler", ["tpe", "gp", "nsga2", "qmc", "random", "grid"])
def test_samplers_take_several_metrics(tmp_path: Path, sampler: str) -> None:
    study = Study(tmp_path, SPACE, sampler, 0, 14, higher=(False, False))
    runs = 11 if sampler == "gp" else 14
    for place in range(runs):
        number, point = study.ask()
        value = float(point["arg:--lr"])
        study.tell(number, None if place == 3 else (value, 1 / value))
    assert len({str(t.point) for t in study.tried()}) >= 10


def test_a_front_has_what_no_other_beats() -> None:
    tuned = Tuned(Path(), SPACE, others=read_metrics(["loss", "size"])[1], metric="training loss")
    values = [(1.0, 5.0), (2.0, 1.0), (2.0, 2.0), (3.0, 3.0), (1.0, 5.0), (0.5, 9.0)]
    tuned.tried = [Tried(n, {}, "done", both) for n, both in enumerate(values)]
    assert [tried.number for tried in tuned.front] == [5, 0, 4, 1]


def test_wilcoxon_gives_up_a_point_that_is_worse_on_the_seeds_so_far(tmp_path: Path) -> None:
    pytest.importorskip("scipy")
    study = Study(tmp_path, SPACE, "random", 0, 9, "wilcoxon")
    best, _ = study.ask()
    for seed in range(8):
        study.report(best, seed, 0.1 * seed)
    study.tell(best, 0.35)
    for add, expected in ((1.0, True), (-0.05, False)):
        number, _ = study.ask()
        for seed in range(7):
            study.report(number, seed, 0.1 * seed + add * (1 + 0.01 * seed))
        assert study.gives_up(number) is expected
        study.tell(number, None)


def test_a_front_of_a_script_and_what_is_made_large(assay_here: Assay, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    words = ["--search", "arg:--width=2,8", "--sampler", "grid", "--runs", "2", "--seeds", "2",
             "--repeat", "2", "--metric", "max:re:score (.*)", "--metric", "size"]  # fmt: skip
    done = assay_here("tune", *words, "--json", "out.json", "train.py")
    assert done.returncode == 0, done.stderr
    found: Any = json.loads((tmp_path / "out.json").read_text())["tuning"]
    assert found["metrics"] == [f"re:score (.*){HIGHER}", "trainable numbers"]
    assert found["control"] == 0.4
    assert {p["values"]["arg:--width"]: p["metrics"] for p in found["points"]} == {
        2: [0.2, 13], 8: [0.8, 49],
    }  # fmt: skip
    assert sorted(found["front"]) == [0, 1]
    assert found["best"] == {"arg:--width": 8}
    assert found["proved"] == pytest.approx(1.0)
    assert "+100 %: the best of 2 points on the seeds that chose it" in done.stderr
    assert "as good in re:score (.*) (higher is better) and trainable numbers" in " ".join(
        done.stderr.split()
    )
    rows = (Path(found["study"]) / "points.csv").read_text().splitlines()
    assert "re:score (.*) (higher is better),trainable numbers,arg:--width" in rows[0]
