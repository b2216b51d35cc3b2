"""The lines that draw weights, and the spread that is written there."""

from __future__ import annotations

import ast
import math
from types import SimpleNamespace

import pytest

from assay.probes.model import drawn
from assay.probes.model.drawn import _draws

from .noting import Noting


@pytest.mark.parametrize(
    ("source", "spread"),
    [
        ("layer.weight.data.normal_(0, 0.02)", 0.02),
        ("layer.weight.normal_()", 1.0),
        ("layer.weight.data.normal_(mean=0.0, std=3)", 3.0),
        ("nn.init.normal_(p)", 1.0),
        ("nn.init.normal_(p, 0.0, 0.5)", 0.5),
        ("torch.nn.init.trunc_normal_(p, std=1e-3)", 1e-3),
        ("normal_(p, 0.0, 2.0)", 2.0),
        ("nn.init.normal_(p, std=scale)", None),
        ("w.uniform_(-0.3, 0.3)", 0.6 / math.sqrt(12)),
        ("w.uniform_()", 1 / math.sqrt(12)),
        ("nn.init.uniform_(w, -1, 1)", 2 / math.sqrt(12)),
        ("nn.init.uniform_(w, a=-1, b=b)", None),
        ("nn.Parameter(torch.randn(3, 4))", 1.0),
        ("nn.Parameter(0.01 * torch.randn(3, 4))", 0.01),
        ("nn.Parameter(torch.randn(3, 4) / 8)", 0.125),
        ("nn.Parameter(torch.randn(3, 4) * scale)", None),
    ],
)
def test_the_spread_that_a_line_asks_for(source: str, spread: float | None) -> None:
    ((_, found),) = _draws(ast.parse(source))
    assert found == (None if spread is None else pytest.approx(spread))


@pytest.mark.parametrize(
    "source", ["nn.init.kaiming_normal_(p)", "x = torch.randn(3)", "nn.Parameter(torch.zeros(3))"]
)
def test_what_draws_no_weights_of_a_spread_of_its_own(source: str) -> None:
    assert list(_draws(ast.parse(source))) == []


def test_lines_that_draw_weights_are_written_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    source = ast.parse("def make(w):\n    w.normal_(0, 0.5)\n    w.uniform_(a, b)\n" * 2)
    asked: list[tuple[str, ...]] = []

    def sources(*words: str) -> SimpleNamespace:
        asked.append(words)
        return SimpleNamespace(trees=lambda: [("train.py", source)])

    monkeypatch.setattr(drawn, "Sources", sources)
    watch = Noting()
    drawn.Drawn(watch).finish()
    assert asked == [("normal_", "uniform_", "randn")]
    assert [kind for kind, _ in watch.events] == ["weights_drawn"] * 4
    known = [(*data["line"], data["spread"]) for _, data in watch.events if data["spread"]]
    assert known == [
        ("train.py", 2, "make", 0.5), ("train.py", 5, "make", 0.5),
    ]  # fmt: skip
    monkeypatch.setattr(drawn, "LINES_AT_MOST", 3)
    watch.events.clear()
    drawn.Drawn(watch).finish()
    assert len(watch.events) == 3
