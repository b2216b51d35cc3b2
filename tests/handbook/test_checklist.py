"""The checklist: its checks exist, and both languages say the same."""

from __future__ import annotations

import re

import pytest

from assay.checks.registry import CHECKS
from assay.cli.checklist import main
from assay.handbook.checklist import GROUPS, ITEMS, LOOKS, YOURS
from assay.launch.errors import LaunchError

NAMES = {check.name for check in CHECKS}
EVERY = [item for items in ITEMS.values() for item in items]


def test_what_is_said_to_be_looked_at_is_looked_at() -> None:
    assert {name for item in EVERY for name in item.checks} <= NAMES


def test_each_part_has_both_kinds_of_items() -> None:
    assert list(ITEMS) == list(GROUPS)
    for items in ITEMS.values():
        assert any(item.checks for item in items)
        assert any(not item.checks for item in items)


def test_items_are_said_once_and_in_both_languages() -> None:
    for place in (0, 1):
        said = [item.says[place] for item in EVERY]
        assert len(set(said)) == len(said)
    for item in EVERY:
        assert item.says[0].endswith(".")
        assert item.says[1].endswith("。")
        assert re.search(r"[\u4e00-\u9fff]", item.says[1])
        assert not re.search(r"[\u4e00-\u9fff]", item.says[0])


@pytest.mark.parametrize(("language", "place"), [("en", 0), ("zh", 1)])
def test_the_verb_says_who_looks(
    language: str, place: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rate", "--lang", language]) == 0
    title, *lines = capsys.readouterr().out.strip().splitlines()
    assert title == GROUPS["rate"][place]
    assert len(lines) == len(ITEMS["rate"])
    for line, item in zip(lines, ITEMS["rate"], strict=True):
        assert item.says[place] in line
        assert (LOOKS[place] in line) == bool(item.checks)
        assert (YOURS[place] in line) == (not item.checks)


def test_an_unknown_part_is_one_line() -> None:
    with pytest.raises(LaunchError, match="no part of the checklist is called 'rates'; did you"):
        main(["rates"])
