"""`assay.check` and `assay.read`: a script from Python."""

from __future__ import annotations

from pathlib import Path

import pytest

import assay

SCRIPT = """
import sys, torch
torch.manual_seed(0)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for _ in range(int(sys.argv[1])):
    loss = torch.nn.functional.mse_loss(model(torch.ones(2, 4)), torch.ones(2, 1))
    loss.backward()
    optimizer.step()
sys.exit(3)
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> assay.Report:
    folder = tmp_path_factory.mktemp("surface")
    script = folder / "train.py"
    script.write_text(SCRIPT)
    return assay.check(script, "12", folder=folder / "run", ignore="loss-not-decreasing")


def test_check_runs_a_script_and_returns_its_report(report: assay.Report) -> None:
    assert isinstance(report, assay.Report)
    assert report.findings[0].check == "zero-grad-missing"
    assert report.view.steps == 12
    assert report.view.facts["exit_code"] == 3
    assert "loss-not-decreasing" in report.ignored


def test_read_reads_the_record_of_a_run(report: assay.Report) -> None:
    assert report.folder is not None
    view = assay.read(report.folder)
    assert isinstance(view, assay.RunView)
    assert len(view.trainings[0].series("loss")) == 12


@pytest.mark.parametrize("folder", ["nowhere", "."])
def test_read_says_what_is_no_run(tmp_path: Path, folder: str) -> None:
    with pytest.raises(assay.LaunchError, match=r"no such folder|no record"):
        assay.read(tmp_path / folder)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"steps": 0}, "steps must be a whole number from 1, received 0"),
        ({"steps": 1.5}, "steps must be a whole number from 1, received 1.5"),
        ({"steps": True}, "steps must be"),
        ({"seconds": -1}, "seconds must be a number above 0"),
        ({"seconds": float("inf")}, "seconds must be a number above 0"),
        ({"budget": 2}, "budget must be a number above 0, at most 1"),
        ({"only": "zero-grad"}, "no check is called 'zero-grad'"),
    ],
)
def test_check_refuses_what_it_cannot_use(given: dict[str, object], says: str) -> None:
    with pytest.raises(assay.LaunchError, match=says):
        assay.check("train.py", **given)  # type: ignore[arg-type]


def test_a_script_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(assay.LaunchError, match=r"nowhere\.py"):
        assay.check(tmp_path / "nowhere.py")


def test_names_that_do_not_exist() -> None:
    with pytest.raises(AttributeError, match="no attribute 'chek'"):
        assay.chek  # noqa: B018
    assert set(assay.__all__) <= {*dir(assay), "LaunchError", "Report", "RunView"}
