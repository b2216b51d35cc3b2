"""What `--search` says, the commands that points become, and copies of files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assay.launch.errors import LaunchError
from assay.tuning.configuration import changed, known_value
from assay.tuning.samplers import grid_of
from assay.tuning.setting import Settings, argument, with_argument
from assay.tuning.space import Dimension, read_dimension, read_space, tricks_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lr=1e-4:1:log", Dimension("lr", "trick", 1e-4, 1.0, log=True)),
        ("warmup=5:50", Dimension("warmup", "trick", 5, 50, whole=True)),
        ("weight-decay=0:1", Dimension("weight-decay", "trick", 0, 1)),
        ("arg:--hidden=8:64", Dimension("arg:--hidden", "arg", 8, 64, whole=True)),
        ("arg:--drop=0:0.5", Dimension("arg:--drop", "arg", 0, 0.5)),
        ("arg:--act=relu,tanh", Dimension("arg:--act", "arg", choices=("relu", "tanh"))),
        ("clip-norm=none,0.5,1.0", Dimension("clip-norm", "trick", choices=("none", 0.5, 1.0))),
        ("env:WIDTH=4,8", Dimension("env:WIDTH", "env", choices=(4, 8))),
        ("betas.beta2=0.9:0.999", Dimension("betas.beta2", "trick", 0.9, 0.999)),
    ],
)
def test_what_is_said_is_understood_and_said_again(text: str, expected: Dimension) -> None:
    found = read_dimension(text)
    assert found == expected
    assert read_dimension(str(found)) == found


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["lrr=0:1"], "unknown trick 'lrr'"),
        (["hidden=8:64"], "an argument of the script is arg:--hidden"),
        (["lr=1:0.1"], "upside down: say 0.1:1"),
        (["lr=1:1"], "range is empty"),
        (["lr=0:1:log"], "begins above 0, received 0"),
        (["arg:--n=0:8:log"], "begins above 0, received 0"),
        (["lr=1:2:lin"], "expected NAME=LOW:HIGH"),
        (["lr=a:b"], "expected two numbers"),
        (["lr=1:inf"], "two finite numbers"),
        (["lr"], "expected NAME=LOW:HIGH"),
        (["lr="], "expected NAME=LOW:HIGH"),
        (["lr=0.1"], "nothing to search"),
        (["lr=0.1,0.1"], "same value twice"),
        (["lr=0.1,,0.2"], "empty value"),
        (["clip-norm=-1:1"], "above 0"),
        (["warmup=0.5:2"], "whole numbers"),
        (["schedule=1:2"], "no range"),
        (["schedule=cosine,spiral"], "spiral"),
        (["betas.beta3=0:1"], "no option 'beta3'"),
        (["zero-grad=1,2"], "takes no value"),
        (["lr=0.1:1", "lr=1:2"], "given twice"),
        (["ema=0.9,0.99", "swa=1,2"], "can't be used together"),
        (["arg:=1,2"], "a name after arg:"),
        (["env:1A=1,2"], "a name after env:"),
        (["file:conf.yaml=1,2"], "expected file:PATH:KEY.KEY"),
        (["what:x=1,2"], "expected a trick, arg:, env: or file:"),
    ],
)
def test_bad_input_is_one_line(texts: list[str], says: str) -> None:
    with pytest.raises(LaunchError) as said:
        read_space(texts)
    assert says in str(said.value)
    assert "\n" not in str(said.value)


def test_a_trick_may_be_left_out() -> None:
    space = read_space(["clip-norm=none,1.0", "lr=0.1:1", "ema=none,0.9", "ema.warmup=yes,no"])
    point = {"clip-norm": "none", "lr": 0.30000000000000004, "ema": "none", "ema.warmup": "no"}
    assert [str(trick) for trick in tricks_of(space, point)] == ["lr=0.30000000000000004"]
    tricks = tricks_of(space, {**point, "ema": 0.9})
    assert [str(trick) for trick in tricks] == ["lr=0.30000000000000004", "ema=0.9,warmup=False"]


@pytest.mark.parametrize(
    ("words", "name", "expected"),
    [
        (["t.py"], "--lr", ["t.py", "--lr", "5"]),
        (["t.py", "--lr", "1", "x"], "--lr", ["t.py", "--lr", "5", "x"]),
        (["t.py", "--lr=1"], "--lr", ["t.py", "--lr=5"]),
        (["t.py", "model.lr=1"], "model.lr", ["t.py", "model.lr=5"]),
        (["t.py"], "model.lr", ["t.py", "model.lr=5"]),
        (["-m", "--lr", "--lr", "1"], "--lr", ["-m", "--lr", "--lr", "5"]),
        (["--", "torchrun", "--n", "2", "t.py"], "--n",
         ["--", "torchrun", "--n", "2", "t.py", "--n", "5"]),
    ],
)  # fmt: skip
def test_arguments_are_replaced_or_added(words: list[str], name: str, expected: list[str]) -> None:
    made = with_argument(words, name, "5")
    assert made == expected
    assert argument(made, name) == "5"


def test_a_value_that_looks_like_an_option_is_no_word_of_its_own() -> None:
    assert with_argument(["t.py"], "--shift", "-1.5") == ["t.py", "--shift=-1.5"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.json", '{"a": {"b": 1, "c": "x"}}'),
        ("c.yaml", "a:\n  b: 1 # depth\n  c: x\n"),
        ("c.toml", '[a]\nb = 1 # depth\nc = "x"\n[other]\nb = 7\n'),
    ],
)
def test_a_file_is_changed_in_a_copy(tmp_path: Path, name: str, text: str) -> None:
    pytest.importorskip("yaml")
    path = tmp_path / name
    path.write_text(text)
    words = ("t.py", f"--config={path}")
    (space,) = (read_space([f"file:{path}:a.b=0.125,2"]),)
    candidate = Settings(space, words, tmp_path / "files").candidate({space[0].name: 0.125})
    copy = Path(candidate.given.words[1].partition("=")[2])
    assert copy.parent == tmp_path / "files"
    assert (known_value(copy, "a.b"), known_value(copy, "a.c")) == (0.125, "x")
    assert path.read_text() == text
    assert candidate.name == "a.b=0.125"


@pytest.mark.parametrize(
    ("name", "text", "place", "says"),
    [
        ("c.ini", "", "a", "ends in .yaml"),
        ("c.json", "{", "a", "can't be understood"),
        ("c.json", '{"a": 1}', "b", "there is no b"),
        ("c.json", '{"a": [1]}', "a", "no single value"),
    ],
)
def test_a_file_that_can_not_be_searched(
    tmp_path: Path, name: str, text: str, place: str, says: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(LaunchError, match=says):
        known_value(tmp_path / name, place)
    with pytest.raises(LaunchError, match="no such file"):
        changed(tmp_path / "none.json", {"a": 1}, tmp_path)


def test_a_grid_has_no_more_points_than_runs_and_two_of_each_range() -> None:
    space = read_space(["lr=0.01:1:log", "arg:--n=1:9", "arg:--a=x,y"])
    grid = grid_of(space, 20)
    assert grid["lr"] == pytest.approx([0.01, 0.1, 1.0])
    assert (grid["arg:--n"], grid["arg:--a"]) == ([1, 5, 9], ["x", "y"])
    assert [len(values) for values in grid_of(space, 1).values()] == [2, 2, 2]
    assert json.dumps(grid)
