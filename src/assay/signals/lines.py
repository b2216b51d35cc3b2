"""The line to name for something that has no line of its own: a layer, an activation."""

from __future__ import annotations

from ..journal.events import ACTIVATION_KIND, LOSS_CALL
from ..journal.view import Parameter, RunView, Site

FLATTENING = ("sigmoid", "tanh", "hardsigmoid", "hardtanh", "softsign", "logsigmoid")
"""Activations whose slope is small everywhere but in the middle."""


def activation_site(run: RunView, place: str) -> Site | None:
    """Returns the line that built the module at a place of activations, or called the function."""
    if place.endswith(")"):
        calls = (e.site for e in run.events(ACTIVATION_KIND) if e.data["place"] == place)
        return next(calls, None)
    module = run.module(place.partition(" [")[0])
    return module.site if module else None


def flattening_site(run: RunView, first: Parameter) -> Site | None:
    """Returns the line of an activation that flattens gradients, else of the layer it starves.

    A layer like any other is not at fault for what stands behind it.
    """
    kinds = {e.data["place"]: e.data["of"] for e in run.events(ACTIVATION_KIND)}
    places = [place for place, of in kinds.items() if of.lower() in FLATTENING]
    own = run.module(first.module)
    sites = (*(activation_site(run, place) for place in places), own.site if own else None)
    return next((site for site in sites if site is not None), None)


def place_site(run: RunView, place: str) -> Site | None:
    """Returns the line of a call of a loss function, by its place."""
    return next((e.site for e in run.events(LOSS_CALL) if e.data["place"] == place), None)
