"""Events are typed: listeners are checked as they are attached, and what seams emit fits."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

import assay
from assay.probes.catalogue import IN_TRIALS, PROBES
from assay.seams.events import EVENTS, EventError, Events, verify, verify_methods
from assay.seams.hub import Hub
from assay.watching.probe import Probe

PACKAGE = Path(assay.__file__).parent


def emitted() -> Iterator[tuple[str, str, int]]:
    """Where, which event, and how many arguments; of all calls of `hub.emit`."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr == "emit" and isinstance(node.args[0], ast.Constant):
                where = f"{path.relative_to(PACKAGE)}:{node.lineno}"
                yield where, node.args[0].value, len(node.args) - 1


def test_every_call_of_emit_gives_what_the_event_declares() -> None:
    calls = list(emitted())
    wrong = [(where, event) for where, event, given in calls if given != len(EVENTS[event])]
    assert wrong == []
    assert {event for _, event, _ in calls} == set(EVENTS)


def test_every_event_says_when_it_is_called() -> None:
    for name in EVENTS:
        assert (vars(Events)[name].__doc__ or "").startswith("Called "), name


@pytest.mark.parametrize("kind", [*PROBES, *IN_TRIALS])
def test_probes_fit(kind: type[Probe]) -> None:
    verify_methods(kind)
    for event in (*kind.always, *kind.sampled):
        assert hasattr(kind, f"on_{event}")


class TooFew(Probe):
    name = "too_few"
    sampled: ClassVar = ("loss",)

    def on_loss(self, name: str, function: Any, args: Any) -> None: ...


class TooMany(Probe):
    name = "too_many"
    always: ClassVar = ("step_end",)

    def on_step_end(self, optimizer: Any, loss: Any) -> None: ...


class OtherName(Probe):
    name = "other_name"
    always: ClassVar = ("clip",)

    def on_clip(self, kind: str, limit: Any, total: Any, parameters: Any) -> None: ...


class Misspelt(Probe):
    name = "misspelt"

    def on_step_ends(self, optimizer: Any) -> None: ...


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (TooFew, "TooFew.on_loss has no parameter `kwargs`, which `loss(name, function, args,"),
        (TooMany, "TooMany.on_step_end wants `loss`, which `step_end(optimizer)` does not give"),
        (OtherName, "OtherName.on_clip calls `total` what `clip(kind, limit, parameters, total)`"),
        (Misspelt, "Misspelt.on_step_ends listens to `step_ends`, and no event is called so"),
    ],
)
def test_a_probe_that_does_not_fit_is_named_with_the_argument(
    watched: Any, kind: type[Probe], says: str
) -> None:
    with pytest.raises(EventError) as raised, watched(kind):
        pass
    assert says in str(raised.value)


def test_other_listeners_are_checked_by_number_alone() -> None:
    hub = Hub()
    hub.on("step_end", lambda stepped: None)
    hub.on("step_end", lambda *facts: None)
    hub.on("step_end", lambda stepped, more=None: None)
    hub.on("step_end", [].append)
    for wrong in (lambda: None, lambda optimizer, loss: None):
        with pytest.raises(EventError):
            hub.on("step_end", wrong)
    with pytest.raises(EventError, match="no event is called so"):
        hub.on("step_ends", lambda optimizer: None)
    with pytest.raises(EventError):
        verify("loss", Hub().on_nothing if hasattr(Hub, "on_nothing") else lambda name: None)
