"""The check `runs-differ`, over invented comparisons."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.reproducibility.runs_differ import RunsDiffer
from assay.journal.events import LOADER, REPEATED, SEED
from assay.journal.view import Event, RunView, Site
from assay.testing import make_run
from assay.trials.repeating import compared

ALIKE: dict[str, Any] = {"steps": 100, "at": None, "stage": None, "sampled": False, "place": "",
                         "a": None, "b": None, "near": False}  # fmt: skip
SEEDED = Site("train.py", 3, "<module>")


def run(*seeds: str, **data: Any) -> RunView:
    events = [Event(SEED.name, 0, {"of": of, "value": 0}, SEEDED) for of in seeds]
    built = Event(LOADER.name, 0, {"built": ["train.py", 9, "<module>"]})
    return make_run(loss=[1.0], events=[*events, built, Event(REPEATED.name, 0, {**ALIKE, **data})])


def review(*seeds: str, **data: Any) -> list[Finding]:
    return list(RunsDiffer().review(run(*seeds or ("torch",), **data)))


def test_alike() -> None:
    assert review() == []


def test_not_judged_without_a_second_run() -> None:
    why = RunsDiffer().why_skipped(make_run(loss=[1.0]))
    assert why == "only `assay check --twice` runs a script a second time"


def test_unseeded_is_another_check() -> None:
    assert review("random", at=0, stage="weights") == []


def test_length_alone() -> None:
    assert review(at=50, stage="length") == []


@pytest.mark.parametrize(
    ("data", "says", "advice", "line"),
    [
        ({"at": 0, "stage": "weights", "place": "0.bias"},
         "began with other weights (first 0.bias)", "before the model is built", 3),
        ({"at": 4, "stage": "weights"}, "had other weights before step 4", "sort what comes", 3),
        ({"at": 7, "stage": "batch", "sampled": True}, "was given another batch at step 7",
         "random.seed(0) and np.random.seed(0): nobody seeds them", 9),
        ({"at": 1000, "stage": "loss", "sampled": True, "a": 0.5, "b": 0.25},
         "had another loss at step 1,000 (0.5 and 0.25), of the same weights and batch",
         "use_deterministic_algorithms", 3),
        ({"at": 7, "stage": "loss", "a": 0.5, "b": "nan"}, "had another loss at step 7",
         "sort what comes", 3),
        ({"at": 7, "stage": "gradient", "sampled": True}, "had another gradient at step 7",
         "use_deterministic_algorithms", 3),
        ({"at": 7, "stage": "rate", "sampled": True}, "at another learning rate", "seed", 3),
    ],
    ids=lambda value: value["stage"] if isinstance(value, dict) else "",
)  # fmt: skip
def test_each_stage(data: dict[str, Any], says: str, advice: str, line: int) -> None:
    (finding,) = review(**data)
    assert finding.summary.startswith("a second run with the same seeds ")
    assert says in finding.summary
    assert advice in " ".join(finding.try_)
    assert finding.where.site is not None
    assert finding.where.site.line == line
    assert finding.severity == "warning"


def test_rounding_is_a_note() -> None:
    data = {"at": 7, "stage": "loss", "a": 0.5, "b": 0.5000001, "near": True}
    assert review(**data, sampled=True)[0].severity == "note"
    assert review(**data, sampled=False)[0].severity == "warning"


def test_what_the_seeds_leave_out_is_said_only_where_it_is_so() -> None:
    (finding,) = review("torch", "random", "numpy", at=7, stage="rate", sampled=True)
    assert finding.try_ == ("look for what depends on the clock",)


def test_two_runs_become_data() -> None:
    one, other = make_run(loss=[0.5, 0.4]), make_run(loss=[0.5, 0.3])
    data = compared(one, other)["data"]
    assert (data["at"], data["stage"], data["sampled"]) == (1, "loss", False)
    assert (data["a"], data["b"], data["near"]) == (0.4, 0.3, False)
    assert compared(one, one)["data"]["stage"] is None


def test_runs_that_say_nothing() -> None:
    trained, bare = make_run(loss=[0.5]), make_run(loss=[], facts={"exit_code": 1})
    assert "first run took no" in compared(bare, trained)["why"]
    assert compared(trained, bare)["why"].endswith("it ended with exit status 1")
    loads = Event("load_state", 0, {"owner": "Net"})
    resumed = make_run(loss=[0.5], events=[loads])
    assert "loaded a state" in compared(trained, resumed)["why"]
    assert compared(resumed, resumed)["why"] is None
