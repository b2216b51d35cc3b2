"""Which lines of a script made what a call was given, and where two were made differently."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from assay.watching.lineage import Lineage, lineage, unlike


def lineages(tmp_path: Path, source: str) -> dict[str, Lineage]:
    """Runs a script in which `model(kind, x)` notes the lineage of its own arguments."""
    script = tmp_path / f"script{len(list(tmp_path.iterdir()))}.py"  # linecache keeps what it read
    script.write_text(textwrap.dedent(source).lstrip())
    found: dict[str, Lineage] = {}

    def model(x: Any, kind: str = "training") -> None:
        known = lineage(sys._getframe(1))
        assert known is not None
        found[kind] = known

    exec(compile(script.read_text(), str(script), "exec"), {"model": model, "load": lambda: [1, 2]})
    return found


def line(tmp_path: Path, source: str) -> int | None:
    found = lineages(tmp_path, source)
    where = unlike(found["training"], found["held"])
    return where[1] if where else None


def test_assignments_are_followed(tmp_path: Path) -> None:
    found = lineages(
        tmp_path,
        """
        a, b = load()
        mean = 2
        a = a - mean
        other = 5
        for i in range(2):
            model(a)
        """,
    )["training"]
    assert (found.made, found.near, found.changes, found.call) == ([1, 2, 3], [6], {3}, 6)


def test_the_line_that_changes_one_of_two(tmp_path: Path) -> None:
    source = """
        train, val = load()
        mean, std = 1, 2
        train = (train - mean) / std
        train, val = (float(v) for v in (train, val))
        for i in range(2):
            model(train)
            model(val, kind="held")
        """
    assert line(tmp_path, source) == 3


def test_loops_that_share_a_name(tmp_path: Path) -> None:
    source = """
        def prepare(x, normalise=False):
            return x
        first = prepare([1.0], normalise=True)
        second = prepare([2.0])
        for x in first:
            model(x)
        for x in second:
            model(x, kind="held")
        """
    assert line(tmp_path, source) == 4, "made by the same call, otherwise"
    assert line(tmp_path, source.replace(", normalise=True", "")) == 4


def test_what_is_changed_in_the_loop_is_missing_at_the_other_call(tmp_path: Path) -> None:
    source = """
        train, val = load()
        for i in range(2):
            x = train / 255
            model(x)
        for i in range(2):
            model(val, kind="held")
        """
    assert line(tmp_path, source) == 6


def test_parameters_of_functions_and_attributes(tmp_path: Path) -> None:
    source = """
        class Trainer:
            def __init__(self, x):
                self.x = x
            def run(self):
                model(self.x)
            def evaluate(self, given):
                for one in given:
                    model(one, kind="held")
        data, held = load()
        data = data / 2
        trainer = Trainer(data)
        trainer.run()
        trainer.evaluate([held])
        """
    found = lineages(tmp_path, source)
    assert 3 in found["training"].made
    assert {9, 13} <= {*found["held"].made}


def test_comprehensions(tmp_path: Path) -> None:
    found = lineages(
        tmp_path, "a = [1]\nb = [2]\nlist(model(x) for x in b)\n[model(x) for x in b]\n"
    )
    assert found["training"].made == [2]


@pytest.mark.parametrize("known", [None, Lineage("elsewhere.py", 4)])
def test_two_files_are_not_compared(known: Lineage | None) -> None:
    assert unlike(known, Lineage("script.py", 9)) == ("script.py", 9)
    assert unlike(known, None) is None


def test_a_source_that_is_not_there() -> None:
    space: dict[str, Any] = {}
    exec(compile("import sys\nframe = sys._getframe()", "<nowhere>", "exec"), space)
    assert lineage(space["frame"]) is None
