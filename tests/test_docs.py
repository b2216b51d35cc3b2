"""The page generator, the report's schema and its example."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import jsonschema
import pytest

from assay.checks.effects import Effect, Level
from assay.checks.requirements import Steps

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"


@pytest.fixture(scope="module")
def make_docs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_docs", ROOT / "tools" / "make_docs.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class ZeroGradMissing:
    """Gradients were not reset between steps.

    ## What it does
    Looks.

    ## Evidence
    Counts resets.

    ## Known exceptions
    None.

    ## Example
    Two scripts.

    ## References
    None.
    """

    name, family, severity = "zero-grad-missing", "gradient", "error"
    needs, reads = ("resets",), ("resets", "steps")
    is_effect, leads_to, by_hand = (), (Effect.EXPLODING,), "nobody knows"
    requires: ClassVar = (Steps("least"),)
    order = (Level.GRADIENT, -1)
    limits: ClassVar = {"least": SimpleNamespace(value=1.0, unit="per step", source="ours")}

    def limit(self, name: str) -> float:
        return float(self.limits[name].value)

    def because(self, effect: Effect) -> str:
        return f"they add up until {effect.value}"


SICK = "step()\nbackward()  # expect: zero-grad-missing\n"
FIXED = "zero_grad()\nstep()\nbackward()\n"


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    folder = tmp_path / "scripts" / "zero_grad_missing"
    folder.mkdir(parents=True)
    (folder / "sick.py").write_text(SICK)
    (folder / "fixed.py").write_text(FIXED)
    return folder.parent


def test_a_page_holds_the_docstring_facts_limits_and_scripts(
    make_docs: ModuleType, scripts: Path
) -> None:
    text = make_docs.page(ZeroGradMissing(), scripts)
    order = [
        "# zero-grad-missing\n",
        "Gradients were not reset between steps.\n",
        "**error** · family `gradient` · needs [`resets`](../recorded.md#resets) · reads "
        "[`steps`](../recorded.md#steps) too",
        "## What it does\n",
        "## Evidence\n",
        "| `least` | 1 | per step | ours |",
        "## Why no trick mends it\nNobody knows.\n",
        "## A training is not judged if\n- it took fewer than 1 steps\n",
        "## Leads to\n- gradients grow far beyond their usual size: they add up",
        "## Known exceptions\n",
        "## Example\n",
        '??? example "sick.py: the fault"\n\n    ```python hl_lines="2"\n    step()\n',
        '??? example "fixed.py: the smallest mend"\n\n    ```python hl_lines="1 3"\n    zero',
        "## References\n",
    ]
    places = [text.find(part) for part in order]
    assert -1 not in places
    assert places == sorted(places)


def test_missing_scripts_leave_the_page_whole(make_docs: ModuleType, tmp_path: Path) -> None:
    text = make_docs.page(ZeroGradMissing(), tmp_path)
    assert "???" not in text
    assert "## References\n" in text


def test_stale_pages_are_named(make_docs: ModuleType, scripts: Path, tmp_path: Path) -> None:
    pages, folder = make_docs.build([ZeroGradMissing()], scripts), tmp_path / "pages"
    assert make_docs.stale(pages, folder) == ["index.md: missing", "zero-grad-missing.md: missing"]
    make_docs.write(pages, folder)
    assert make_docs.stale(pages, folder) == []
    (folder / "index.md").write_text("old")
    (folder / "gone.md").write_text("old")
    assert make_docs.stale(pages, folder) == ["index.md: stale", "gone.md: belongs to nothing"]
    make_docs.write(pages, folder)
    assert make_docs.stale(pages, folder) == []


def test_an_unknown_argument_is_refused(
    make_docs: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert make_docs.main(["--chek"]) == 2
    assert "--chek" in capsys.readouterr().err


@pytest.fixture
def schema() -> Any:
    return json.loads((REFERENCE / "report.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def example() -> Any:
    text = (REFERENCE / "json.md").read_text(encoding="utf-8")
    found = re.search(r"```json\n(.*?)```", text, re.DOTALL)
    assert found
    return json.loads(found.group(1))


def test_the_example_fits_the_schema(schema: Any, example: Any) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(example, schema)


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("schema",), 2),
        (("findings", 0, "severity"), "fatal"),
        (("findings", 0, "surplus"), 1),
        (("findings", 0, "explained_by"), ["exploding-gradient"]),  # a cause explains itself
        (("findings", 1, "explained_by"), []),  # a symptom needs its cause
        (("findings", 1, "severity"), "error"),  # a heuristic is never an error
        (("findings", 0, "steps"), [1]),
        (("findings", 0, "evidence"), []),
        (("skipped",), {"dead-units": ""}),
        (("observed",), False),  # then nothing can be silent
    ],
)
def test_the_schema_refuses(schema: Any, example: Any, where: tuple[Any, ...], value: Any) -> None:
    place = example
    for key in where[:-1]:
        place = place[key]
    place[where[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(example, schema)


# --- the changelog's fragments ----------------------------------------------------------------

FRAGMENTS = ROOT / "changelog"
KINDS = {"added", "changed", "fixed", "removed"}


def misplaced(folder: Path) -> list[str]:
    """Fragments that no release would pick up, or that say nothing."""
    problems = []
    for path in sorted(folder.iterdir()):
        topic, _, kind = path.name.removesuffix(".md").rpartition(".")
        if path.name == "template.md":
            continue
        if path.suffix != ".md" or not topic or kind not in KINDS:
            problems.append(f"{path.name}: not <topic>.<{'|'.join(sorted(KINDS))}>.md")
        elif not path.read_text(encoding="utf-8").strip():
            problems.append(f"{path.name}: empty")
    return problems


def test_every_fragment_is_picked_up() -> None:
    assert misplaced(FRAGMENTS) == []


def test_fragments_that_would_be_lost_are_named(tmp_path: Path) -> None:
    for name in ("a.added.md", "b.improved.md", "added.md", "c.added.txt"):
        (tmp_path / name).write_text("Something.")
    (tmp_path / "d.fixed.md").write_text("\n")
    assert [line.partition(":")[0] for line in misplaced(tmp_path)] == [
        "added.md",
        "b.improved.md",
        "c.added.txt",
        "d.fixed.md",
    ]


def test_the_page_of_what_is_recorded_is_made_from_the_declarations(make_docs: ModuleType) -> None:
    from assay.checks.registry import CHECKS
    from assay.journal.events import EVENTS
    from assay.journal.signals import SIGNALS

    text = make_docs.recorded_page(SIGNALS.values(), EVENTS.values(), CHECKS)
    for name in (*SIGNALS, *EVENTS):
        assert f"\n### {name}\n" in text
    _, _, entry = text.partition("### stale_grad_norm\n")
    entry = entry.partition("\n###")[0]
    assert "Gradient left over · unit: loss / weight · at: the whole · sampled steps" in entry
    assert "None at all means: backward() was not called after an optimizer's first step." in entry
    assert "[`zero-grad-missing`](checks/zero-grad-missing.md)" in entry
    assert make_docs.RECORDED.read_text(encoding="utf-8") == text
