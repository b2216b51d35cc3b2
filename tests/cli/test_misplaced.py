"""Options of ours behind the script: said, never taken from the script."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.cli import try_
from assay.cli.misplaced import reads_no_arguments, right_order
from assay.cli.options import make_parser, read_options
from assay.launch.errors import LaunchError


@pytest.mark.parametrize(
    ("command", "meant"),
    [
        (["train.py"], None),
        (["train.py", "--lr", "3"], None),
        (["train.py", "--steps", "5"], "assay check --steps 5 train.py"),
        (["train.py", "--lr", "3", "--steps=5"], "assay check --steps=5 train.py --lr 3"),
        (["train.py", "--quiet", "data"], "assay check --quiet train.py data"),
        (["-m", "pkg.train", "--steps", "5"], "assay check --steps 5 -m pkg.train"),
        (["my train.py", "--steps"], "assay check --steps 'my train.py'"),
    ],
)
def test_the_order_that_was_meant(command: list[str], meant: str | None) -> None:
    assert right_order(make_parser("check", ""), command) == meant


def test_try_names_no_trick_but_the_script_got_one() -> None:
    with pytest.raises(LaunchError) as caught:
        try_.main(["loop.py", "--with", "clip-norm=abc"])
    assert str(caught.value).endswith("say assay try --with clip-norm=abc loop.py")


@pytest.mark.parametrize(
    ("text", "none"),
    [
        ("import torch\nprint(1)\n", True),
        ("import sys\nprint(sys.argv)\n", False),
        ("import argparse\n", False),
        ("parser = HfArgumentParser(Args)\n", False),
        ("import click\n", False),
    ],
)
def test_whether_a_script_reads_arguments(tmp_path: Path, text: str, none: bool) -> None:
    script = tmp_path / "train.py"
    script.write_text(text)
    assert reads_no_arguments([str(script), "--steps", "5"]) is none
    assert not reads_no_arguments([str(tmp_path / "gone.py")])
    assert not reads_no_arguments(["-m", "train"])


def test_the_words_still_go_to_the_script() -> None:
    options = read_options(make_parser("check", ""), ["train.py", "--steps", "5"])
    assert options.words == ("train.py", "--steps", "5")
    assert options.steps is None
    assert options.meant == "assay check --steps 5 train.py"
