"""Unit tests of `shared-by-mistake`, on invented runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assay.checks.finding import Finding
from assay.checks.model.shared_by_mistake import SharedByMistake
from assay.journal.view import Event, Module, Parameter, Shared, Site
from assay.testing import make_run

CHECK = SharedByMistake()
LISTED, BUILT = Site("net.py", 5), Site("net.py", 9)


def findings(*names: str, kind: str = "module", weights: bool = True) -> list[Finding]:
    modules = (Module("layers", "ModuleList", site=LISTED), Module("layers.0", "Block", site=BUILT))
    run = make_run(
        events=[Event("model", 0, {"root": "Net", "cls": "Net"})],
        modules=modules,
        parameters=[Parameter("layers.0.weight", (4, 4))] if weights else [],
    )
    return list(CHECK.review(replace(run, shared=[Shared(kind, names)])))  # type: ignore[arg-type]


def test_one_object_at_two_numbers_is_reported_on_the_line_of_the_list() -> None:
    (finding,) = findings("layers.0", "layers.1")
    assert finding.where.site == LISTED
    assert "layers.0, layers.1" in finding.summary


def test_many_places_are_told_by_the_first_and_the_last() -> None:
    (finding,) = findings(*(f"layers.{i}" for i in range(6)))
    assert "layers.0 to layers.5" in finding.summary


@pytest.mark.parametrize(
    "names",
    [
        ("layers.0",),
        ("layers.0", "block"),
        ("left", "right"),
        ("layers.0", "others.0"),
        ("layers.0", "layers.1", "layers.first"),
    ],
)
def test_silent_for_one_place_and_for_names_of_its_own(names: tuple[str, ...]) -> None:
    assert findings(*names) == []


def test_silent_for_what_has_no_weights_and_for_weights_alone() -> None:
    assert findings("layers.0", "layers.1", weights=False) == []
    assert findings("layers.0", "layers.1", kind="parameter") == []


def test_silent_without_a_model() -> None:
    assert list(CHECK.review(make_run())) == []
