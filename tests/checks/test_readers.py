"""What is recorded is read: by a check, a derived signal, the page, a trial or a trick.

Exporting alone is no reading: every recorded number costs a part of each sample.
"""

from __future__ import annotations

import ast
from pathlib import Path

import assay
from assay.journal.events import EVENTS
from assay.journal.signals import SIGNALS

PACKAGE = Path(assay.__file__).parent
ROOMS = ("checks", "signals", "trials", "report", "tricks", "edits", "diagnosis", "viewer",
         "comparison")  # fmt: skip


def read() -> set[str]:
    """Names that the rooms of readers mention, other than in a declaration of a check."""
    constants = {name.upper(): name for name in EVENTS}
    found = set()
    for room in ROOMS:
        for module in (PACKAGE / room).rglob("*.py"):
            tree = ast.parse(module.read_text(encoding="utf-8"))
            declared = {
                id(constant)
                for node in ast.walk(tree)
                if isinstance(node, ast.Assign)
                and isinstance(node.targets[0], ast.Name)
                and node.targets[0].id in ("needs", "reads")
                for constant in ast.walk(node.value)
            }
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and id(node) not in declared:
                    found.add(str(node.value))
                elif isinstance(node, ast.Name):
                    found.add(constants.get(node.id, ""))
    return found


def test_everything_that_is_recorded_has_a_reader() -> None:
    assert {*SIGNALS, *EVENTS} - read() == set(), "remove it, or give it a reader"
