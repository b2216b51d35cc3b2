"""`assay tricks` and `assay explain TRICK`."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from assay.cli.curve import draw
from assay.tricks.catalogue import TRICKS

Assay = Callable[..., "subprocess.CompletedProcess[str]"]


def test_all_are_listed_one_a_line(assay: Assay) -> None:
    done = assay("tricks")
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [line[:2] for line in lines] == [[t.name, t.family] for t in TRICKS]
    assert all(line[2].endswith(".") for line in lines)
    assert (done.returncode, done.stderr) == (0, "")


def test_options_of_one(assay: Assay) -> None:
    out = assay("tricks", "schedule").stdout
    assert "schedule=cosine,total= [end=0.0]" in out
    assert "schedule=plateau" in out


def test_a_schedule_is_drawn(assay: Assay) -> None:
    out = assay("tricks", "schedule=cosine,total=1000", "warmup=100", "--plot").stdout.splitlines()
    assert out[0] == "schedule=cosine,total=1000 warmup=100"
    assert out[-1].split() == ["step", "0", "999"]
    assert len(out) == 14


def test_all_curves_are_drawn(assay: Assay) -> None:
    out = assay("tricks", "schedule", "--plot").stdout
    assert out.count("schedule=") == 11


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["tricks", "nope"], "unknown trick 'nope'"),
        (["tricks", "lr=1", "--plot"], "--plot draws schedule and warmup"),
        (["tricks", "warmup=3", "warmup=4", "--plot"], "at most once"),
        (["tricks", "schedule=cosine", "--plot"], "needs total=N"),
        (["tricks", "schedule=plateau", "--plot"], "depends on the loss"),
        (["tricks", "schedule=cosine,total=0", "--plot"], "at least 1"),
        (["tricks", "--nope"], "--nope"),
        (["explain", "warmpu"], "did you mean warmup?"),
        (["explain"], "name a check or trick"),
    ],
)
def test_one_clear_line(assay: Assay, words: list[str], says: str) -> None:
    done = assay(*words)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize("name", ["clip-norm", "weight-decay", "schedule"])
def test_a_page(assay: Assay, name: str) -> None:
    page = assay("explain", name).stdout
    assert page.startswith(f"# {name}\n")
    for heading in ("## What it does", "## Formula", "## Options", "## Use it"):
        assert heading in page


def test_a_line_is_where_its_values_are() -> None:
    rows = draw([1.0] * 5 + [0.0] * 5, "falls", width=10, height=3, plain=True)
    assert rows == ["falls", " 1 ******", "        *", " 0      *****", "   step 0   9"]
    assert draw([0.5], "one", width=4, height=2)[0] == "one"
