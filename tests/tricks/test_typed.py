"""Tricks in Python: names, signatures and values that an editor and a type checker know."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import assay.tricks
from assay.tricks import Betas, ClipNorm, EarlyStop, Schedule, SpectralNorm, Trick, TrickError
from assay.tricks.catalogue import TRICKS
from assay.tricks.reading import read, read_all

RIGHT = """
from assay.tricks import ClipNorm, EarlyStop, Lr

ClipNorm(limit=1.0)
ClipNorm(1.0)
EarlyStop(patience=3, min_delta=0.1)
Lr(0.1)
Lr(rate="x0.1")
limit: float = ClipNorm(limit=1.0).limit
"""
WRONG = """
from assay.tricks import ClipNorm, Warmup

ClipNorm()
ClipNorm(limt=1.0)
ClipNorm(limit=[1.0])
Warmup(steps="many")
"""


def test_all_tricks_are_listed_and_loaded_by_name() -> None:
    listed = dir(assay.tricks)
    for trick in TRICKS:
        assert trick.__name__ in listed
        assert getattr(assay.tricks, trick.__name__) is trick
    with pytest.raises(AttributeError, match="NoSuch"):
        assay.tricks.NoSuch  # noqa: B018


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.name)
def test_a_signature_names_every_option(trick: type[Trick]) -> None:
    parameters = inspect.signature(trick).parameters
    assert list(parameters) == [one.attribute for one in trick.takes()]
    for one in trick.takes():
        required = parameters[one.attribute].default is inspect.Parameter.empty
        assert required == one.required
        assert one.help, f"{trick.name}: {one.name} is not explained"


def test_values_by_name_by_place_and_as_text_are_the_same() -> None:
    assert ClipNorm(limit=1.0) == ClipNorm(1.0) == ClipNorm("1.0") == read("clip-norm=1.0")
    assert read("clip-norm,limit=1.0") == ClipNorm(limit=1)
    assert EarlyStop(min_delta=0.5) == read("early-stop,min-delta=0.5")
    assert Betas(beta2=0.95) == Betas(None, 0.95) == read("betas,beta2=0.95")
    assert str(EarlyStop(3, 0.5)) == "early-stop=3,min-delta=0.5"
    assert ClipNorm(1.0) != ClipNorm(2.0)
    assert len({ClipNorm(1.0), ClipNorm("1"), ClipNorm(2.0)}) == 2
    assert ClipNorm(2).limit == 2.0


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: ClipNorm(limit=-1.0), "clip-norm=-1.0: expected a number above 0, received -1.0"),
        (lambda: ClipNorm(), "clip-norm needs a value: a number above 0"),
        (lambda: ClipNorm(limt=1.0), "clip-norm has no option 'limt': it takes limit"),
        (lambda: ClipNorm(1.0, 2.0), "clip-norm takes limit, received 2.0 as well"),
        (lambda: ClipNorm(1.0, limit=2.0), "clip-norm: limit is given twice"),
        (lambda: ClipNorm(True), "clip-norm=True: expected a number above 0, received True"),
        (lambda: Schedule("cosine", every=3), "schedule=cosine takes no every"),
        (lambda: SpectralNorm(iterations=0), "spectral-norm,iterations=0: expected a whole number"),
        (lambda: read("spectral-norm=1"), "spectral-norm takes no value"),
    ],
)
def test_impossible_values_are_refused_in_one_line(make: object, says: str) -> None:
    assert callable(make)
    with pytest.raises(TrickError) as refused:
        make()
    assert str(refused.value).startswith(says)
    assert "\n" not in str(refused.value)


def test_several_words_are_read_once_in_the_order_in_which_they_act() -> None:
    tricks = read_all(["ema=0.99+clip-norm=1e+3", "seed=1", "clip-norm=1000"])
    assert [str(trick) for trick in tricks] == ["seed=1", "clip-norm=1000.0", "ema=0.99"]
    assert read_all([]) == ()
    with pytest.raises(TrickError, match="more than once"):
        read_all(["clip-norm=1", "clip-norm=2"])
    with pytest.raises(TrickError, match="can't be used together"):
        read_all(["ema=0.9", "swa=3"])


@pytest.mark.slow
def test_a_type_checker_knows_them(tmp_path: Path) -> None:
    mypy = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary"]
    if subprocess.run([*mypy, "--version"], capture_output=True).returncode:
        pytest.skip("mypy is not installed")
    for name, text in (("right", RIGHT), ("wrong", WRONG)):
        (tmp_path / f"{name}.py").write_text(text)
    package = str(Path(assay.tricks.__file__ or "").parents[2])
    done = subprocess.run(
        [*mypy, str(tmp_path / "right.py"), str(tmp_path / "wrong.py")],
        capture_output=True, text=True, cwd=tmp_path, env={"MYPYPATH": package, "PATH": ""},
    )  # fmt: skip
    lines = done.stdout.splitlines()
    wrong = {line.split(":")[1] for line in lines if "wrong.py" in line and "error" in line}
    assert wrong == {"4", "5", "6", "7"}
    assert not [line for line in lines if "right.py" in line], done.stdout
