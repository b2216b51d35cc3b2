"""The lines that draw weights, and the spread that is written there."""

from __future__ import annotations

import ast
import math

import pytest

from assay.probes.model.drawn import _draws


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
