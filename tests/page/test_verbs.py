"""How a page comes into a folder: `check`, `try`, `report`."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.cli.page import write_page_into
from assay.report import Report

SRC = Path(__file__).parents[2] / "src"
TRAIN = """\
import torch

torch.set_num_threads(1)
torch.manual_seed(0)
model = torch.nn.Linear(4, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(30):
    loss = model(torch.randn(8, 4)).square().mean()
    loss.backward()
    optimizer.step()
"""
Assay = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def assay(tmp_path: Path, assay_here: Assay) -> Assay:
    """In this process what trains; in one of its own what opens a browser."""
    (tmp_path / "train.py").write_text(TRAIN)

    def run(*words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        if words[0] != "report":
            return assay_here(*words)
        environment = {**os.environ, "PYTHONPATH": str(SRC), "OMP_NUM_THREADS": "1", **variables}
        return subprocess.run(
            [sys.executable, "-m", "assay", *words],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300,
        )  # fmt: skip

    return run


def test_check_writes_a_page_and_report_writes_it_again(assay: Assay, tmp_path: Path) -> None:
    done = assay("check", "train.py")
    (page,) = (tmp_path / ".assay" / "runs").glob("*/report.html")
    assert f"page: {page.relative_to(tmp_path)}" in done.stderr
    assert "zero-grad-missing" in page.read_text(encoding="utf-8")

    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(browser.stat().st_mode | stat.S_IEXEC)
    page.unlink()
    shown = assay("report", "--open", "--html", "mine.html", BROWSER=f"{browser} %s")
    assert shown.returncode == 0
    assert (tmp_path / "opened").read_text().strip() == (tmp_path / "mine.html").as_uri()
    assert "zero-grad-missing" in (tmp_path / "mine.html").read_text(encoding="utf-8")
    assert not page.exists()

    shown = assay("report", "--open", BROWSER=f"{browser} %s")
    assert (tmp_path / "opened").read_text().strip() == page.as_uri()
    assert page.exists()


def test_report_says_what_stands_in_the_way(assay: Assay, tmp_path: Path) -> None:
    assert assay("check", "--steps", "3", "train.py").returncode == 0
    refused = assay("report", "--html", "nowhere/page.html")
    assert refused.returncode == 2
    assert "assay: --html: can't write nowhere/page.html: No such file" in refused.stderr
    refused = assay("report", "--html", "-")
    assert (refused.returncode, refused.stderr) == (2, "assay: --html needs the name of a file\n")


def test_try_writes_a_page_of_the_trial(assay: Assay, tmp_path: Path) -> None:
    done = assay("try", "--with", "zero-grad", "--seeds", "1", "--jobs", "1", "train.py")
    (page,) = (tmp_path / ".assay" / "trials").glob("*/report.html")
    assert f"page: {page.relative_to(tmp_path)}" in done.stderr
    text = page.read_text(encoding="utf-8")
    assert 'id="trial-title"' in text
    assert "zero-grad" in text


def test_a_page_that_fails_costs_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from assay.report import make_report, page
    from assay.testing import make_run

    report: Report = make_report(make_run(loss=[1.0, 0.5]), ())
    assert write_page_into(tmp_path / "gone", report) is None
    assert "the page can't be written to" in capsys.readouterr().err

    def broken(*_: object) -> None:
        raise KeyError("our fault")

    monkeypatch.setattr(page, "write_page", broken)
    assert write_page_into(tmp_path, report) is None
    said = capsys.readouterr().err
    assert said.startswith("assay: the page failed, the record is safe in ")
    assert said.count("\n") == 1
    assert "KeyError" in (tmp_path / "page-error.log").read_text()
