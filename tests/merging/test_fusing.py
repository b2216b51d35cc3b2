"""Merges that are measured: barriers, soups, searches, and what is not written."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from assay.fusion.asked import Asked, method_of
from assay.fusion.barrier import barrier
from assay.fusion.evaluating import Evaluation
from assay.fusion.fused import Fused
from assay.fusion.fusing import Scripts, Search, fuse, needs
from assay.launch.errors import LaunchError
from assay.merging.errors import MergeError
from assay.merging.serve import ANSWERS
from assay.report.fused import render_fused

VALLEY = """\
import json, struct, sys
with open(sys.argv[-1], "rb") as file:
    (length,) = struct.unpack("<Q", file.read(8))
    json.loads(file.read(length))
    x, y = struct.unpack("<2f", file.read())
FORMULA
print("step 7", "metric", value)
"""


class Here:
    """The process that merges, without a process."""

    def ask(self, do: str, **asked: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = ANSWERS[do](json.loads(json.dumps(asked)))
        except MergeError as error:
            raise LaunchError(str(error)) from None
        return answer


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def fused(
    points: list[tuple[float, float]], formula: str, *, method: str = "average",
    search: Search | None = None, anyway: bool = False, maximise: bool = False, **more: Any,
) -> Fused:  # fmt: skip
    names = []
    for i, point in enumerate(points):
        names.append(f"{'abcdef'[i]}.safetensors")
        save_file({"w": torch.tensor([point])}, names[-1])
    Path("eval.py").write_text(VALLEY.replace("FORMULA", formula))
    evaluation = Evaluation(("eval.py",), maximise=maximise, python=sys.executable)
    asked = Asked(tuple(names), "out.safetensors", method_of(method), (1.0,) * len(names), **more)
    worker: Any = Here()
    return fuse(worker, asked, Scripts(evaluation), search or Search(), anyway=anyway)


def weights() -> list[float]:
    found: list[float] = load_file("out.safetensors")["w"].reshape(-1).tolist()
    return found


def test_a_merge_that_is_better_is_written_and_its_barrier_is_told() -> None:
    found = fused([(0.0, 1.0), (2.0, 1.0)], "value = (x - 1) ** 2 + y")
    assert found.written
    assert weights() == [1.0, 1.0]
    assert list(found.scores) == [2.0, 2.0]
    assert found.score == 1.0
    assert found.curve == ((0.0, 2.0), (0.25, 1.25), (0.5, 1.0), (0.75, 1.25), (1.0, 2.0))
    assert barrier(found.curve) == (0.0, 1.0)
    report = found.as_dict()
    assert report["score"] == 1.0
    assert report["barrier"] == 0.0
    text = render_fused(found)
    assert "a.safetensors  weight 1  2\n" in text
    assert "barrier     none; from the first to the second: 2 at 0, 1.25 at 0.25" in text


def test_a_merge_that_is_worse_than_every_input_is_not_written() -> None:
    hill = "value = 3 - (x - 1) ** 2 - y"
    found = fused([(0.0, 1.0), (2.0, 1.0)], hill)
    assert not found.written
    assert "worse than every input" in found.refused
    assert "--align" in found.refused
    assert barrier(found.curve) == (1.0, 0.5)
    assert sorted(os.listdir()) == ["a.safetensors", "b.safetensors", "eval.py"]
    assert "worse by 1 at 0.5 than on a straight line" in render_fused(found)
    assert found.as_dict()["output"] is None
    assert fused([(0.0, 1.0), (2.0, 1.0)], hill, anyway=True).written


def test_more_may_be_better() -> None:
    found = fused([(0.0, 1.0), (2.0, 1.0)], "value = 5 - (x - 1) ** 2", maximise=True)
    assert found.written
    assert found.as_dict()["scores"] == [4.0, 4.0]
    assert found.as_dict()["score"] == 5.0


def test_a_greedy_soup_leaves_out_what_makes_it_worse() -> None:
    # by the paper's algorithm: b (0.25) first, a (1.0) joins at mean 0.25, c (9) does not
    found = fused(
        [(-1.0, 0.0), (0.5, 0.0), (3.0, 0.0)], "value = x * x", search=Search(greedy=True)
    )
    assert list(found.scores) == [1.0, 0.25, 9.0]
    assert list(found.chosen) == [1, 0]
    assert weights() == [-0.25, 0.0]
    assert "b.safetensors, a.safetensors, chosen by 2 averages" in render_fused(found)
    alone = fused([(0.0, 0.0), (5.0, 0.0)], "value = x * x", search=Search(greedy=True))
    assert list(alone.chosen) == [0]
    assert weights() == [0.0, 0.0]
    assert "no average is as good as the best input" in alone.cautions[0]


def test_coefficients_are_searched_and_proved_on_other_data() -> None:
    pytest.importorskip("optuna")
    Path("proof.py").write_text(VALLEY.replace("FORMULA", "value = x"))
    proof = Evaluation(("proof.py",), python=sys.executable)
    found = fused(
        [(0.0, 0.0), (4.0, 0.0)], "value = (x - 1) ** 2", method="linear",
        search=Search(runs=12, proof=proof),
    )  # fmt: skip
    assert found.score is not None
    assert found.score < 0.5, "the best t is 0.25; the first point, t = 0.5, measures 1"
    assert found.tried == 12
    assert str(found.asked.method) != "linear,t=0.5"
    assert found.proof is not None
    assert found.proof[1] == 0.0
    assert any("on the data of --prove it is worse than a.safetensors" in c for c in found.cautions)


def test_what_is_searched_starts_at_what_was_asked_for() -> None:
    pytest.importorskip("optuna")
    save_file({"w": torch.zeros(1, 2)}, "base.safetensors")
    found = fused(
        [(1.0, 0.0), (0.0, 1.0)], "value = abs(x - 1) + abs(y - 1)", method="task-arithmetic",
        search=Search(runs=1), base="base.safetensors",
    )  # fmt: skip
    assert found.score == 0.0
    assert weights() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        ("raise ValueError('no such data')", "ended with status 1: ValueError: no such data"),
        ("value = 'none'; sys.stdout.write = lambda text: None", "printed no number"),
    ],
)
def test_a_script_that_measures_nothing_is_told(formula: str, says: str) -> None:
    with pytest.raises(LaunchError) as told:
        fused([(0.0, 0.0), (1.0, 1.0)], formula)
    assert says in str(told.value)
    assert str(told.value).startswith("eval.py a.safetensors ")
    assert sorted(os.listdir()) == ["a.safetensors", "b.safetensors", "eval.py"]


def test_a_metric_that_is_not_finite_is_never_the_better_one() -> None:
    found = fused([(0.0, 1.0), (2.0, 1.0)], "value = float('nan') if x == 1 else x")
    assert found.refused
    assert found.as_dict()["score"] is None
    assert "merge       not finite" in render_fused(found)


def test_what_does_not_fit_is_said_before_a_script_is_run() -> None:
    save_file({"w": torch.zeros(1, 3)}, "base.safetensors")
    with pytest.raises(LaunchError, match=r"w is 1×2 in a\.safetensors and 1×3 in base"):
        fused([(0.0, 1.0), (2.0, 1.0)], "open('ran', 'w')", method="ties", base="base.safetensors")
    assert not Path("ran").exists()


def test_a_pattern_reads_the_number_that_is_meant() -> None:
    Path("eval.py").write_text("print('loss 0.5 accuracy 0.9')\nprint('took 3 s')")
    at = {"said": "--evaluate", "python": sys.executable, "maximise": False}
    assert Evaluation.read("eval.py", metric="re:loss ([0-9.]+)", **at).of("x") == 0.5
    assert Evaluation.read("eval.py {}", metric=None, **at).of("x") == 3.0
    for metric, says in (("loss", "expected re: and one group"), ("re:(", "no regular expression")):
        with pytest.raises(LaunchError, match=says):
            Evaluation.read("eval.py", metric=metric, **at)
    with pytest.raises(LaunchError, match=r"--evaluate: none\.py: no such file"):
        Evaluation.read("none.py", metric=None, **at)


def test_a_search_needs_a_metric() -> None:
    for search in (Search(greedy=True), Search(runs=3)):
        with pytest.raises(LaunchError, match="needs --evaluate"):
            needs(search, None)
