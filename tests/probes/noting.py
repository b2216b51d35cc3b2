"""A context that only notes what a probe says: for probes whose methods are called by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


class Noting(SimpleNamespace):
    """Stands in for what a probe may touch.

    Attributes:
        numbers: Signals, by name and place; the last value of each, as a float.
        events: Kinds and their data, in order.
        why: What was skipped, and why.
    """

    def __init__(self, **more: Any) -> None:
        self.numbers: dict[tuple[str, str], float] = {}
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.why: dict[str, str] = {}
        self.trainings: list[Any] = []
        self.sampling = self.is_thorough = self.is_full = self.is_repeated = True
        self.compiled = self.is_opening = False
        self.iteration = 0
        self.names = SimpleNamespace(
            module=lambda module: "a module", parameter=lambda parameter: "a parameter", roots=[]
        )
        super().__init__(**more)

    def serve(self, probe: Any) -> None:
        """Takes a probe."""

    def shared(self, kind: Any) -> Any:
        return SimpleNamespace(
            line=lambda node, way: ("train.py", 7, node.name()),
            lines=SimpleNamespace(where=lambda node: None),
        )

    def put(self, name: str, place: str, value: Any) -> None:
        self.numbers[name, place.partition(" ")[0]] = float(value)

    def event(self, kind: str, training: Any = None, /, **data: Any) -> None:
        self.events.append((kind, data))

    def event_once(self, kind: str, *key: Any, **data: Any) -> None:
        self.events.append((kind, data))

    def skip(self, name: str, why: str) -> None:
        self.why[name] = why
