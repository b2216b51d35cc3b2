"""What differs in the set-up of two runs, and what it can explain."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from assay.comparison import Stage, compare
from assay.comparison.setup import differences, script
from assay.comparison.words import candidates, headline, where
from assay.journal.events import CONDITIONS, EPOCH, INPUT, LOADER, SEED
from assay.journal.texts import keep_texts, read_texts
from assay.journal.view import Event, Parameter, RunView
from assay.launch.setup import digests
from assay.report.comparison import render_comparison
from assay.testing.runs import make_run, make_training

SETUP: dict[str, Any] = {
    "arguments": ["train.py", "--lr", "0.1"],
    "tricks": [],
    "files": {"train.py": "aa" * 20},
    "environment": {"OMP_NUM_THREADS": "2"},
    "versions": {"torch": "2.4.0", "numpy": "2.1.0"},
    "git": {"commit": "c" * 40, "branch": "main", "changed": []},
    "platform": "Linux-1",
    "cores": 2,
}


def event(kind: Any, **data: Any) -> Event[Any]:
    return Event(kind.name, 0, data)


def run(loss: float = 0.5, seed: int | None = 0, **other: Any) -> RunView:
    events = [] if seed is None else [event(SEED, of="torch", value=seed)]
    more = other.pop("events", [])
    parameters = other.pop("parameters", [Parameter("0.weight", (2, 3))])
    setup = {**SETUP, **other.pop("setup", {})}
    made = make_training(loss=[loss, loss], groups=other.pop("groups", [{"lr": 0.1}]))
    facts = {"cwd": "/home/me", "setup": setup, **other}
    return make_run(made, events=[*events, *more], parameters=parameters, facts=facts)


def names(a: RunView, b: RunView) -> dict[str, tuple[str, str]]:
    return {each.name: (each.a, each.b) for each in differences(a, b)}


def test_nothing() -> None:
    assert names(run(), run()) == {}


@pytest.mark.parametrize(
    ("other", "name", "values"),
    [
        ({"setup": {"arguments": ["train.py"]}}, "arguments", ("--lr 0.1", "none")),
        ({"setup": {"arguments": ["other.py", "--lr", "0.1"]}}, "script", ("train.py", "other.py")),
        ({"setup": {"files": {"train.py": "bb" * 20}}}, "text of train.py",
         ("aaaaaaaa", "bbbbbbbb")),
        ({"setup": {"tricks": ["clip-norm=1"]}}, "tricks", ("none", "clip-norm=1")),
        ({"setup": {"seed_offset": 3}}, "offset of seeds", ("0", "3")),
        ({"seed": 1}, "seed of torch", ("0", "1")),
        ({"seed": None}, "seed of torch", ("0", "not set")),
        ({"groups": [{"lr": 0.2}]}, "SGD lr", ("0.1", "0.2")),
        ({"parameters": [Parameter("0.weight", (2, 4))]}, "model",
         ("6 weights, first 0.weight", "8 weights")),
        ({"parameters": [Parameter("0.weight", (2, 3), "float16")]}, "type of 0.weight",
         ("float32", "float16")),
        ({"setup": {"environment": {}}}, "OMP_NUM_THREADS", ("2", "not set")),
        ({"setup": {"versions": {"torch": "2.5.0", "numpy": "2.1.0"}}}, "torch",
         ("2.4.0", "2.5.0")),
        ({"setup": {"versions": {"torch": "2.4.0"}}}, "numpy", ("2.1.0", "not loaded")),
        ({"setup": {"git": {**SETUP["git"], "commit": "d" * 40}}}, "git commit",
         ("c" * 12, "d" * 12)),
        ({"setup": {"git": {**SETUP["git"], "changed": ["a.py"]}}}, "uncommitted changes in",
         ("none", "a.py")),
        ({"setup": {"cores": 4}}, "cores", ("2", "4")),
        ({"cwd": "/tmp"}, "folder", ("/home/me", "/tmp")),
        ({"world": 2}, "processes", ("1", "2")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_each_difference(other: dict[str, Any], name: str, values: tuple[str, str]) -> None:
    found = names(run(), run(**other))
    assert found[name] == values
    assert len(found) <= 2  # a folder moves its files, too


@pytest.mark.parametrize(
    ("kind", "key", "value", "name"),
    [
        (CONDITIONS, "threads", 4, "threads of torch"),
        (CONDITIONS, "deterministic", "yes", "deterministic algorithms"),
        (LOADER, "batch_size", 64, "loader 0: batch size"),
        (LOADER, "shuffle", True, None),
        (INPUT, "shape", [32, 4], "shape of input 0"),
    ],
)
def test_events(kind: Any, key: str, value: Any, name: str | None) -> None:
    plain: dict[Any, dict[str, Any]] = {
        CONDITIONS: {"threads": 2, "deterministic": "no"},
        LOADER: {"number": 0, "batch_size": 32, "shuffle": None},
        INPUT: {"place": "input 0", "shape": [32, 3]},
    }
    a, b = (
        run(events=[event(kind, **{**plain[kind], **more})]) for more in ({}, {key: value})
    )  # fmt: skip
    assert list(names(a, b)) == ([name] if name else [])


def test_what_explains_nothing_is_not_offered() -> None:
    """Weights that differ from the start come of no number of threads."""
    a, b = run(), run(setup={"environment": {"OMP_NUM_THREADS": "1"}})
    for view, value in ((a, 1.0), (b, 2.0)):
        view.trainings[0] = make_training(loss=[0.5], weight_fingerprint={"": {0: value}})
    found = compare(a, b)
    assert found.parting is not None
    assert found.parting.stage is Stage.WEIGHTS
    assert found.explaining == ()
    assert "Nothing that was recorded" in headline(found)
    assert "PYTHONHASHSEED" in headline(found)
    a, b = run(seed=None), run(seed=None)
    for view, value in ((a, 1.0), (b, 2.0)):
        view.trainings[0] = make_training(loss=[0.5], weight_fingerprint={"": {0: value}})
    assert candidates(compare(a, b)) == ["torch without a seed"]


def test_text_is_compared_by_where_it_lay_below_the_folder() -> None:
    a = run(setup={"files": {"train.py": "a"}, "digests": {"/home/me/net.py": "x"}})
    b = run(setup={"files": {"train.py": "a"}, "digests": {"/home/you/net.py": "y"}},
            cwd="/home/you")  # fmt: skip
    assert names(a, b) == {"text of net.py": ("x", "y"), "folder": ("/home/me", "/home/you")}


def test_a_file_that_one_run_alone_loaded() -> None:
    a = run(setup={"sources": ["/home/me/train.py", "/home/me/net.py"]})
    b = run(setup={"sources": ["/home/me/train.py"]})
    assert names(a, b) == {"files of this run alone": ("net.py", "none")}


def test_a_file_that_was_written_while_the_run_went_on_has_no_hash(tmp_path: Path) -> None:
    old, new = tmp_path / "old.py", tmp_path / "new.py"
    for path, when in ((old, 100.0), (new, 300.0)):
        path.write_text("x = 1\n")
        os.utime(path, (when, when))
    assert list(digests([str(old), str(new), str(tmp_path / "gone.py")], 200.0)) == [str(old)]


def test_git_is_no_cause_where_texts_are_known() -> None:
    told = {"digests": {"/home/me/train.py": "a"}}
    a = run(setup=told)
    b = run(0.6, setup={**told, "git": {**SETUP["git"], "commit": "d" * 40}})
    found = compare(a, b)
    assert [each.name for each in found.differences] == ["git commit"]
    assert found.explaining == ()


def test_the_script() -> None:
    def named(*words: str) -> str:
        return script(make_run(loss=[1.0], facts={"setup": {"arguments": list(words)}}))

    assert named("train.py", "--x") == "train.py"
    assert named("-u", "train.py") == "train.py"
    assert named("-m", "pkg.train", "--x") == "-m pkg.train"
    assert script(make_run(loss=[1.0], facts={"command": ["python", "a.py"]})) == "a.py"
    assert script(make_run(loss=[1.0])) == ""


def test_sentences() -> None:
    a, b = run(), run(0.6, setup={"arguments": ["train.py", "--lr", "0.2"]})
    found = compare(a, b)
    assert headline(found) == "What can explain it: arguments (--lr 0.1 and --lr 0.2)."
    assert where(found).startswith("They part at step 0, by their losses, 0.5 and 0.6")
    alike = compare(run(), run())
    assert headline(alike) == "The two runs are alike in all that was recorded."
    assert where(alike) == "Compared: 2 losses to the 7 digits recorded."


def test_the_lines_that_changed(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text("a = 1\nlr = 0.1\nb = 2\n")
    keep_texts(tmp_path, [str(script), str(tmp_path / "gone.py")])
    first = read_texts(tmp_path)
    assert list(first) == [str(script)]
    second = {str(script): "a = 1\nlr = 0.2\nb = 2\nc = 3\n"}
    a, b = (run(cwd=str(tmp_path)) for _ in range(2))
    (change,) = compare(a, b, first, second).changes
    assert change.file == "train.py"
    assert [(line.sign, line.number, line.text) for line in change.lines] == [
        ("-", 2, "lr = 0.1"), ("+", 2, "lr = 0.2"), ("+", 4, "c = 3")
    ]  # fmt: skip
    told = render_comparison(compare(a, b, first, second))
    assert "  - 2  lr = 0.1\n  + 2  lr = 0.2\n  + 4  c = 3\n" in told
    assert compare(a, b, first, first).changes == ()
    assert compare(a, b, {}, second).changes == ()
    assert read_texts(tmp_path / "no") == {}


def test_a_long_change_is_cut() -> None:
    text = "\n".join(f"x{i} = {i}" for i in range(100))
    (change,) = compare(run(), run(), {"/home/me/a.py": ""}, {"/home/me/a.py": text}).changes
    assert (len(change.lines), change.left_out) == (40, 60)
    assert "and 88 more lines" in render_comparison(compare(
        run(), run(), {"/home/me/a.py": ""}, {"/home/me/a.py": text}
    ))  # fmt: skip


@pytest.mark.parametrize(
    ("orders", "says"),
    [
        ([(7, 8), (7, 8)], "rows in the first 8 batches of each pass: the data are others."),
        ([(7, 8), (7, 9)], "the batch is another: loaders drew other rows, or another order, in "
                           "pass 1."),
        ([(), (7,)], "the batch is another."),
    ],
)  # fmt: skip
def test_whether_loaders_drew_the_same(orders: list[tuple[int, ...]], says: str) -> None:
    views = []
    for number, each in enumerate(orders):
        passes = [event(EPOCH, loader=0, epoch=i, order=order) for i, order in enumerate(each)]
        views.append(run(events=passes))
        views[-1].trainings[0] = make_training(
            loss=[0.5, 0.25], input_mean={"input 0": {1: number}}, input_std={"input 0": {1: 1.0}}
        )
    assert where(compare(*views)).endswith(says)


def test_one_that_ended_earlier() -> None:
    a, b = run(), run(stopped="stopped after 1 step")
    b.trainings[0] = make_training(loss=[0.5])
    found = compare(a, b)
    assert headline(found) == "The two runs are alike as far as both went."
    assert where(found) == (
        "They part in their length: B ends after 1 step (stopped after 1 step), A goes on."
    )
    assert "A ends after" in where(compare(b, a))
