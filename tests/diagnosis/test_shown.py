"""What checks claim to lead to is shown by a sick script: a claim that nothing shows is removed.

`shown.json` holds what was found in each sick script; `record.py` writes it.
"""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

from assay.checks.registry import CHECKS, by_name
from assay.testing import WarmRunner
from assay.testing.scripts import check_script

Shown = dict[str, list[str]]


def load_record() -> ModuleType:
    """The command beside this file."""
    spec = importlib.util.spec_from_file_location("record", Path(__file__).parent / "record.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


record = load_record()
SHOWN: dict[str, Shown] = json.loads(record.RECORD.read_text(encoding="utf-8"))
CLAIMS = [(check.name, effect) for check in CHECKS for effect in check.leads_to]


def fault_of(script: Path) -> str:
    """The check whose fault a chain has: its docstring begins with the name."""
    found = re.match(r'"""([a-z0-9-]+): ', script.read_text(encoding="utf-8"))
    assert found, f"{script.name} does not say which fault it has"
    return found[1]


FAULTS = {"benchmarks/remedies/softmax_and_no_clearing/sick.py": 2}
"""Scripts that have more than one, on purpose."""


def edges(shown: Shown) -> set[tuple[str, str]]:
    return {(cause, symptom) for symptom, causes in shown.items() for cause in causes}


@pytest.mark.parametrize(("name", "effect"), CLAIMS, ids=lambda x: getattr(x, "name", x))
def test_every_effect_that_a_check_leads_to_is_shown(name: str, effect: object) -> None:
    shows = {check.name for check in CHECKS if effect in check.is_effect}
    where = [
        script
        for script, shown in SHOWN.items()
        if any(cause == name and symptom in shows for cause, symptom in edges(shown))
    ]
    assert where, f"no sick script shows that {name} leads to {effect}: remove it, or add a script"


def test_the_record_has_every_script() -> None:
    assert set(SHOWN) == {record.name(script) for script in record.scripts()}
    assert len(record.CHAINS) >= 20


def test_the_record_names_checks_that_there_are() -> None:
    named = {check for shown in SHOWN.values() for check in shown}
    assert all(by_name(name) for name in named)


def test_every_sick_script_is_led_by_its_own_check() -> None:
    """Whatever is explained goes back to the fault that the script has."""
    for script, shown in SHOWN.items():
        if script.startswith("tests/checks/") and shown:
            name = script.split("/")[2].replace("_", "-")
            assert shown[name] == [], f"{script}: {shown}"
            assert next(iter(shown)) == name


def test_every_symptom_of_a_sick_script_is_explained() -> None:
    """One fault, one leading finding: all others have a cause."""
    for script, shown in SHOWN.items():
        others = list(shown.items())[FAULTS.get(script, 1) :]
        assert [name for name, causes in others if not causes] == [], script


@pytest.mark.parametrize("script", record.CHAINS, ids=lambda path: path.stem)
@pytest.mark.timeout(400)
def test_a_chain_is_explained_as_recorded(script: Path, warm: WarmRunner) -> None:
    _, diagnosis = check_script(script, observe=warm.observe)
    first = diagnosis.findings[0]
    assert (first.check, first.role) == (fault_of(script), "cause")
    others = [finding for finding in diagnosis.findings[1:] if finding.severity != "note"]
    assert all(finding.role == "symptom" for finding in others)
    assert edges(SHOWN[record.name(script)]) <= edges(record.shown(diagnosis))
