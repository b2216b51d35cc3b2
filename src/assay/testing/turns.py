"""Turns of players made by hand, for unit tests of checks."""

from __future__ import annotations

from typing import Any

from ..journal.view import Event

FILE = "train.py"


def call(
    net: str, line: int, *, over: tuple[str, ...] = (), fed: tuple[str, ...] = (), **more: Any
) -> dict[str, Any]:
    """Makes a call of a network: over what others made with their graph, or fed it without."""
    row = {"over": list(over), "fed": list(fed), "mixed": False, "wants": True, "batch_norm": False}
    row |= {"way": "other", "ends_in": "Addmm", **more}
    return {"net": net, "line": [FILE, line, "<module>"], **row}


def loss(line: int, *calls: dict[str, Any], filled: tuple[str, ...] = ()) -> dict[str, Any]:
    """Makes a backward pass through calls; `filled` had gradients before it."""
    return {"line": [FILE, line, "<module>"], "calls": list(calls), "filled": list(filled)}


def step(training: int, *held: str, moved: tuple[str, ...] | None = None) -> dict[str, Any]:
    """Makes a step of a training that holds networks; by default all of them had gradients."""
    return {
        "training": training,
        "held": list(held),
        "moved": list(held if moved is None else moved),
    }


def turn(*parts: dict[str, Any], process: int = 0) -> Event[Any]:
    """Makes an event of passes and the steps after them."""
    data = {
        "passes": [part for part in parts if "calls" in part],
        "steps": [part for part in parts if "held" in part],
    }
    return Event("turn", 0, data, process=process)
