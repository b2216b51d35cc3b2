"""Unit tests of `linear-stack`, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.finding import Finding
from assay.checks.model.linear_stack import LinearStack
from assay.journal.view import Event, Module, Site
from assay.testing import make_run

CHECK = LinearStack()
LIMIT = CHECK.limit("share")
CALLED = Site("net.py", 12, "forward")


def findings(
    *shares: float, pairs: int = 1, names: tuple[str, str] = ("a", "b"), box: str = ""
) -> list[Finding]:
    line = [CALLED.file, CALLED.line, CALLED.function]
    first, second = names
    data = {"first": f"{first}.weight", "second": f"{second}.weight", "line": line}
    events = [Event("linear_pair", 0, data, Site("train.py", 30)) for _ in range(pairs)]
    modules = [
        Module(first, "Linear", site=Site("net.py", 5)),
        Module(second, "Linear", site=Site("net.py", 6)),
    ]
    if box:
        modules.append(Module("net", box))
    return list(CHECK.review(make_run(events=events, modules=modules, linear_share=list(shares))))


@pytest.mark.parametrize("shares", [[], [0.0], [math.nan]])
def test_silent_where_all_have_a_non_linearity_between(shares: list[float]) -> None:
    assert findings(*shares) == []


@pytest.mark.parametrize(
    ("share", "severity"), [(LIMIT, "warning"), (LIMIT * 0.99, "note"), (1.0, "warning")]
)
def test_a_warning_from_the_limit_on_else_a_note(share: float, severity: str) -> None:
    (finding,) = findings(share)
    assert finding.severity == severity
    assert finding.where.site == CALLED


def test_in_a_sequence_the_line_is_that_of_the_second_layer() -> None:
    (finding,) = findings(1.0, names=("net.0", "net.1"), box="Sequential")
    assert finding.where.site == Site("net.py", 6)
    (finding,) = findings(1.0, names=("net.0", "net.1"), box="ModuleList")
    assert finding.where.site == CALLED
    (finding,) = findings(1.0, names=("0", "1"))
    assert finding.where.site == Site("net.py", 6)


def test_more_pairs_are_counted_and_one_without_names_is_told() -> None:
    (finding,) = findings(1.0, pairs=3)
    assert "2 more such pairs" in finding.summary
    assert findings(1.0, pairs=0) == []
