"""Numbers that JSON can't write are words in the journal: no reader may stumble over one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assay.checks.registry import CHECKS
from assay.journal.reader import read_run
from assay.report import make_report
from assay.report.page import render_page
from assay.report.terminal import render
from assay.testing import WarmRunner
from assay.trials.metric import measure

SCRIPT = """
import torch
from torch import nn
from torch.nn import functional as F
torch.manual_seed(0)
x, y = torch.randn(64, 4), torch.randint(0, 3, (64,))
model = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 3))
optimizer = torch.optim.Adam(model.parameters(), 1e-2)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
for step in range(60):
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.5)
    optimizer.step()
    if step % 10 == 9:
        model.eval()
        with torch.no_grad():
            scheduler.step(F.cross_entropy(model(x), y))
        model.train()
"""


@pytest.fixture(scope="module")
def lines(warm: WarmRunner, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("words")
    (folder / "train.py").write_text(SCRIPT)
    warm.observe([str(folder / "train.py")], run_dir=folder / "run")
    (journal,) = (folder / "run").glob("journal-*.jsonl")
    return [json.loads(line) for line in journal.read_text().splitlines()]


def worded(value: Any, word: str) -> Any:
    """The same with this word for every number that need not be finite."""
    if isinstance(value, dict):
        return {
            key: part if key in ("time", "t", "built") else worded(part, word)
            for key, part in value.items()
        }
    if isinstance(value, list):
        return [worded(part, word) for part in value]
    return word if isinstance(value, float) else value


@pytest.mark.parametrize("word", ["nan", "inf", "-inf"])
def test_words_are_read_like_numbers(
    lines: list[dict[str, Any]], word: str, tmp_path: Path
) -> None:
    for kind in [*sorted({line["k"] for line in lines}), "all"]:
        folder = tmp_path / kind
        folder.mkdir()
        changed = [
            line if line["k"] in ("asked", "cost", "begin") or kind not in (line["k"], "all")
            else worded(line, word)
            for line in lines
        ]  # fmt: skip
        text = "".join(json.dumps(line) + "\n" for line in changed)
        (folder / "journal-1.jsonl").write_text(text)
        view = read_run(folder)
        assert view.errors == []
        assert all(isinstance(e.loss, float) for t in view.trainings for e in t.evaluations)
        report = make_report(view, CHECKS)
        broken = {k: v for k, v in report.diagnosis.skipped.items() if "error in" in v}
        assert broken == {}, kind
        render(report)
        render_page(report)
        json.dumps(report.as_dict(), allow_nan=False)
        measure(view)
