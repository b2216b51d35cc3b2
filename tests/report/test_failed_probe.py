"""A probe that fails is told of everywhere, with its true reason, and nothing is called healthy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assay.checks.registry import CHECKS
from assay.journal.reader import read_run
from assay.probes.loss.losses import Losses
from assay.report.model import Report, make_report
from assay.report.page import render_page
from assay.report.terminal import render
from assay.session import begin, end

REASON = "the probe `losses` failed: ZeroDivisionError: division by zero"
NEEDS_IT = ("loss-shape-broadcast", "loss-not-decreasing", "class-imbalance")
UNTRUE = ("no loss function of torch.nn was called", "class labels")


def train(folder: Path) -> Report:
    """The report of 200 healthy steps."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    torch.manual_seed(0)
    begin(str(folder))
    try:
        model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        inputs = torch.randn(64, 4)
        labels = (inputs[:, 0] > 0).long()
        for _ in range(200):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), labels).backward()
            optimizer.step()
    finally:
        end()
    return make_report(read_run(folder), CHECKS, folder=folder)


@pytest.fixture
def blind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Report:
    """The report of the same steps with a probe of losses that raises."""

    def broken(self: Losses, *facts: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(Losses, "on_loss", broken)
    return train(tmp_path)


def test_a_failed_probe_is_told_of(blind: Report) -> None:
    assert blind.observed
    assert not blind.findings
    for name in NEEDS_IT:
        assert blind.diagnosis.skipped[name] == f"could not look: {REASON}"
        assert name not in blind.diagnosis.silent
    assert "zero-grad-missing" in blind.diagnosis.silent, "it reads nothing of this probe"

    text = " ".join(render(blind).split())
    assert "nothing wrong found" not in text
    assert f"could not look: {REASON}" in text
    assert "not judged in full: " in text

    told = blind.as_dict()
    assert told["skipped"][NEEDS_IT[0]] == f"could not look: {REASON}"
    assert any("ZeroDivisionError" in problem for problem in told["problems"])

    html = render_page(blind)
    assert "Nothing wrong found" not in html
    assert "Not judged in full" in html
    assert f"could not look: {REASON}" in html

    for said in (text, json.dumps(told), html):
        for sentence in UNTRUE:
            assert sentence not in said
    assert repr(blind) == "<Report: not judged in full; 200 steps>"


def test_the_same_run_is_healthy_where_nothing_fails(tmp_path: Path) -> None:
    report = train(tmp_path)
    assert not report.view.failed
    assert set(NEEDS_IT) <= set(report.diagnosis.silent)
    assert "nothing wrong found" in render(report)
