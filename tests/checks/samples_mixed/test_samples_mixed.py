"""Unit tests of `samples-mixed`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.model.samples_mixed import SamplesMixed
from assay.journal.view import Event, Module, Site
from assay.testing import make_run

CHECK = SamplesMixed()
LIMIT = CHECK.limit("change")
MIXING, BUILT = Site("net.py", 12), Site("net.py", 5)


def findings(*changes: float, modules: tuple[Module, ...] = (), **found: Any) -> list[Finding]:
    events = []
    if found:
        line = [MIXING.file, MIXING.line, "forward"]
        data = {"operation": "add", "line": line, "inside": None, "shape": [8, 4], **found}
        events.append(Event("samples_mixed", 0, data, Site("train.py", 30)))
    run = make_run(events=events, modules=modules, sample_order_change=list(changes))
    return list(CHECK.review(run))


@pytest.mark.parametrize("change", [0.0, 1e-6, LIMIT, math.nan])
def test_silent_up_to_the_limit(change: float) -> None:
    assert findings(change) == []


def test_reported_above_it_on_the_line_of_the_operation() -> None:
    (finding,) = findings(LIMIT * 1.01, operation="add")
    assert finding.where.site == Site(MIXING.file, MIXING.line, "forward")
    assert "`add`" in finding.summary


def test_samples_that_attend_to_each_other() -> None:
    (finding,) = findings(0.5, inside="TransformerEncoderLayer", by="company")
    assert finding.summary.startswith("answers depend on the other samples in a batch")


def test_the_last_measurement_counts() -> None:
    assert findings(0.5, 0.0) == []
    assert findings(0.0, 0.5)


def test_a_module_built_for_time_first_is_named_with_the_line_that_built_it() -> None:
    built = Module("memory", "GRU", site=BUILT, settings={"batch_first": False})
    (finding,) = findings(0.5, modules=(built,), operation="gru", inside="GRU")
    assert finding.where.site == BUILT
    assert "[time, batch, features]" in finding.summary


def test_not_one_that_stands_elsewhere() -> None:
    built = Module("memory", "GRU", site=BUILT, settings={"batch_first": False})
    (finding,) = findings(0.5, modules=(built,), operation="add")
    assert finding.where.site == Site(MIXING.file, MIXING.line, "forward")
