"""What matters is found, with the range of repeated fits; nothing is said of too few points."""

from __future__ import annotations

import math
import random

import pytest

pytest.importorskip("optuna")

from assay.tuning import importances as module
from assay.tuning.importances import FITS, LEAST, importances
from assay.tuning.space import read_space
from assay.tuning.study import Tried

SPACE = read_space(["lr=1e-4:1:log", "arg:--n=1:9", "clip-norm=none,0.5,1.0"])


def points(count: int) -> list[Tried]:
    draw = random.Random(1)
    made = []
    for number in range(count):
        lr, n = 10 ** draw.uniform(-4, 0), draw.randint(1, 9)
        point = {"lr": lr, "arg:--n": n, "clip-norm": draw.choice(["none", 0.5, 1.0])}
        value = (math.log10(lr) + 2) ** 2 + 0.01 * n
        made.append(Tried(number, point, "done", (value,)))
    return made


def test_what_matters_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_forests", lambda: False)
    found = importances(SPACE, points(60))
    assert found is not None
    assert (found.method, found.points, next(iter(found.shares))) == ("PED-ANOVA", 60, "lr")
    mean, low, high = found.shares["lr"]
    assert 0.5 < mean <= 1
    assert low < mean < high
    assert sum(mean for mean, _, _ in found.shares.values()) == pytest.approx(1.0)


def test_by_forests_where_they_can_be_had() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not there: PED-ANOVA stands in for it")
    found = importances(SPACE, points(20))
    assert found is not None
    assert (found.method, next(iter(found.shares))) == ("fANOVA", "lr")
    assert FITS > 1


def test_too_little_to_say() -> None:
    assert importances(SPACE, points(LEAST - 1)) is None
    assert importances(SPACE[:1], points(20)) is None
    same = [Tried(n, point.point, "done", (1.0,)) for n, point in enumerate(points(20))]
    assert importances(SPACE, same) is None
    diverged = [Tried(n, point.point, "pruned") for n, point in enumerate(points(20))]
    assert importances(SPACE, diverged) is None
