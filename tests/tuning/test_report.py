"""What a search says at its end: better, no better, or nothing to choose from."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("optuna")

from assay.report.tuning import render_tuned, usage
from assay.trials.metric import TRAINING, Measured
from assay.trials.plan import Given, candidate_of
from assay.trials.result import Result
from assay.trials.trial import Trial
from assay.trials.verdict import judge
from assay.tricks.reading import read_all
from assay.tuning.space import read_space
from assay.tuning.study import Tried
from assay.tuning.tuned import Tuned

BEST = candidate_of(read_all(["lr=0.5"]))


def runs(values: list[float]) -> dict[int, Result]:
    return {
        seed: Result("done", 10, 1.0, Measured({TRAINING: value}))
        for seed, value in enumerate(values)
    }


def said(treated: list[float] | None, **more: Any) -> str:
    tried = [
        Tried(0, {"lr": 0.1}, "done", (1.0,), own=True),
        Tried(1, {"lr": 0.5}, "done", (0.5,)),
        Tried(2, {"lr": 2.0}, "pruned", why="diverged: the training loss is not finite at the end"),
    ]
    tuned = Tuned(Path("study"), read_space(["lr=0.1:2"]), metric=TRAINING, control=1.0)
    tuned.tried = tried if treated is not None else [tried[0], tried[2]]
    trial = Trial("t", Path("t"), ("train.py",), **more)
    if treated is not None:
        tuned.best = BEST
        control = runs([1.0, 1.01, 0.99, 1.0])
        trial.verdicts = [judge(BEST, control, runs(treated), wanted=3, screened=0)]
    return " ".join(render_tuned(tuned, trial).split())


def test_better_says_how_much_the_choice_has_flattered() -> None:
    text = said([0.5, 0.7, 0.69, 0.7])
    assert "better: lr=0.5" in text
    assert "on 3 fresh seeds" in text
    assert "−50 %: the best of 2 points on the seed that chose it" in text
    assert "choosing it flattered it by 20 points" in text
    assert "use it assay run --with lr=0.5 train.py" in text
    assert "pruned 1 point: diverged" in text


def test_no_better() -> None:
    assert "no better: of 2 points none beats the script as it is" in said(None)
    text = said([0.5, 1.0, 1.01, 0.98])
    assert "no better than the script as it is, as far as can be proved" in text
    assert "try it assay run --with lr=0.5 train.py" in text
    text = said([0.5, 1.2])
    assert "a fresh seed that does not improve leaves nothing to prove" in text


def test_nothing_to_choose_from_and_interrupted() -> None:
    text = said(None, trouble="no loss was seen", interrupted="interrupted")
    assert "nothing to choose from: no loss was seen" in text
    assert "interrupted: what follows is known so far" in text


def test_how_to_use_a_point() -> None:
    space = read_space(["arg:--hidden=8,16", "env:WIDTH=a b,c", "file:c.yaml:m.d=1,2"])
    point = {"arg:--hidden": 16, "env:WIDTH": "a b", "file:c.yaml:m.d": 2}
    tuned = Tuned(Path("study"), space, metric=TRAINING, control=math.nan)
    tuned.tried = [Tried(0, point, "done", (0.5,))]
    given = Given(("t.py", "--c", "/s/1-c.yaml", "--hidden", "16"), (("WIDTH", "a b"),))
    best = candidate_of(())
    assert usage(type(best)("x", (), given=given), ("t.py", "--c", "c.yaml"), tuned) == [
        "in c.yaml: m.d = 2",
        "WIDTH='a b' python t.py --c c.yaml --hidden 16",
    ]
