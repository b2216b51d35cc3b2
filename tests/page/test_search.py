"""A search on the page: every point where it belongs, and a link to each run that has a page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("optuna")

from assay.journal.view import RunView
from assay.report import make_report
from assay.report.page.document import render_page
from assay.report.page.search import Axis, search_context
from assay.tuning.importances import Importances
from assay.tuning.metric import read_metrics
from assay.tuning.space import read_space
from assay.tuning.study import Tried
from assay.tuning.tuned import Tuned

SPACE = read_space(["lr=1e-4:1:log", "arg:--act=<b>tanh,relu", "arg:--n=1:9"])


@pytest.fixture
def tuned(tmp_path: Path) -> Tuned:
    folder = tmp_path / "runs" / "one run"
    folder.mkdir(parents=True)
    (folder / "report.html").write_text("")
    found = Tuned(tmp_path, SPACE, metric="training loss", control=0.9)
    found.tried = [
        Tried(0, {"lr": 0.01, "arg:--act": "relu", "arg:--n": 3}, "done", (0.9,), own=True),
        Tried(1, {"lr": 0.1, "arg:--act": "<b>tanh", "arg:--n": 9}, "done", (0.5,),
              folder=str(folder)),
        Tried(2, {"lr": 1.0, "arg:--act": "relu", "arg:--n": 1}, "pruned", why="diverged: so it is",
              folder=str(tmp_path / "gone")),
        Tried(3, {"lr": 0.5, "arg:--act": "relu", "arg:--n": 2}, "left"),
    ]  # fmt: skip
    found.importances = Importances("fANOVA", 30, {"lr": (0.7, 0.5, 0.9), "arg:--n": (0.3, 0, 1)})
    return found


def test_points_lie_where_they_belong(tuned: Tuned, tmp_path: Path) -> None:
    said = search_context(tuned, tmp_path / "trial" / "report.html")
    assert said["headline"] == "3 points by tpe; the best is point 1, training loss 0.5."
    history = said["history"]
    assert [(d["number"], d["kind"]) for d in history["dots"]] == [(1, "best"), (0, "own")]
    assert [c["number"] for c in history["crosses"]] == [2]
    best, own = history["dots"]
    assert best["y"] > own["y"] == history["control"]
    assert best["y"] < history["crosses"][0]["y"]
    assert [p["number"] for p in said["points"]] == [0, 1, 2]
    lines = said["parallel"]["lines"]
    assert [line["number"] for line in lines] == [0, 1]  # the best on top
    assert all(len(line["path"].split()) == len(SPACE) + 1 for line in lines)
    assert [s["name"] for s in said["slices"]] == ["lr", "arg:--act", "arg:--n"]


def test_a_point_leads_to_its_run_if_that_has_a_page(tuned: Tuned, tmp_path: Path) -> None:
    said = search_context(tuned, tmp_path / "trial" / "report.html")
    assert [p["href"] for p in said["points"]] == ["", "../runs/one run/report.html", ""]


def test_the_page_says_all_of_it_and_lets_nothing_in(tuned: Tuned, tmp_path: Path) -> None:
    page = render_page(make_report(RunView(), ()), None, tuned, tmp_path / "t" / "report.html")
    assert page.count('href="../runs/one run/report.html"') == 6  # history, lines, slices, table
    assert "<b>tanh" not in page.split('<section id="search"')[1]
    assert "&lt;b&gt;tanh" in page
    assert "fANOVA over 30 points" in page
    assert "so it is." in page
    assert "nan" not in re.findall(r'<section id="search".*?</section>', page, re.DOTALL)[0]
    assert 'id="search"' not in render_page(make_report(RunView(), ()))


def test_several_metrics_and_nothing_found(tmp_path: Path) -> None:
    others = read_metrics(["loss", "max:re:(.)"])[1]
    front = Tuned(tmp_path, SPACE[:1], others=others, metric="training loss", control=1.0)
    front.tried = [
        Tried(0, {"lr": 0.1}, "done", (1.0, -5.0)),
        Tried(1, {"lr": 0.2}, "done", (0.5, -3.0)),
    ]
    said = search_context(front, tmp_path / "report.html")
    assert said["front"] == [1, 0]
    assert said["points"][0]["values"] == ["1", "5"]
    assert said["parallel"] is None
    front.tried = [Tried(0, {"lr": 0.1}, "pruned", why="failed")]
    page = render_page(make_report(RunView(), ()), None, front, tmp_path / "report.html")
    assert "1 point, none of which ended with a number." in page


def test_axes() -> None:
    axis = Axis([1.0, 100.0], 0, 100)
    assert axis.log
    assert [axis(v) for v in (1.0, 10.0, 100.0)] == [0, 50, 100]
    assert not Axis([-1.0, 100.0], 0, 100).log
    assert Axis([3.0, 3.0], 0, 100)(3.0) == 50
    assert [m["text"] for m in Axis([0, 1], 0, 90, choices=["a", 2]).marks()] == ["a", "2"]
