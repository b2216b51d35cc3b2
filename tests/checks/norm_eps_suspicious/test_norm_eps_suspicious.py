"""Unit tests of `norm-eps-suspicious`, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.finding import Finding
from assay.checks.model.norm_eps_suspicious import NormEpsSuspicious
from assay.journal.view import Event, Module, Site
from assay.testing import make_run

CHECK = NormEpsSuspicious()
LIMIT = CHECK.limit("eps")
BUILT = Site("net.py", 5)


def findings(*modules: Module) -> list[Finding]:
    found = Event("model", 0, {"root": "Net", "cls": "Net"})
    return list(CHECK.review(make_run(events=[found], modules=modules)))


def norm(eps: float, kind: str = "BatchNorm1d", name: str = "norm", line: int = 5) -> Module:
    return Module(name, kind, site=Site("net.py", line), settings={"eps": eps})


@pytest.mark.parametrize("eps", [1e-5, 1e-3, LIMIT * 0.99, math.nan])
def test_silent_below_the_limit(eps: float) -> None:
    assert findings(norm(eps)) == []


@pytest.mark.parametrize("kind", ["BatchNorm1d", "BatchNorm2d", "SyncBatchNorm", "InstanceNorm2d"])
def test_reported_from_the_limit_on_with_the_line(kind: str) -> None:
    (finding,) = findings(norm(LIMIT, kind))
    assert finding.where.site == BUILT


@pytest.mark.parametrize("kind", ["LayerNorm", "GroupNorm", "RMSNorm", "Linear"])
def test_silent_for_norms_of_one_sample(kind: str) -> None:
    assert findings(norm(0.8, kind)) == []


def test_one_finding_for_each_line() -> None:
    found = findings(norm(0.8), norm(0.8, name="other"), norm(0.8, name="third", line=9))
    assert len(found) == 2
    assert "1 more" in found[0].summary


def test_silent_without_a_model() -> None:
    assert list(CHECK.review(make_run(modules=[norm(0.8)]))) == []
