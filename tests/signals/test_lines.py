"""The line to name for a layer or an activation: with invented modules."""

from __future__ import annotations

from typing import Any

from assay.journal.view import Event, Module, Parameter, Site
from assay.signals.lines import activation_site, flattening_site
from assay.testing.runs import make_run

BUILT, CALLED, LAYER = Site("train.py", 3), Site("train.py", 9), Site("train.py", 5)


def kind(place: str, of: str, site: Site | None = None) -> Event[Any]:
    return Event("activation_kind", 0, {"place": place, "of": of}, site)


MODULES = [Module("act", "ReLU", site=BUILT), Module("first", "Linear", site=LAYER)]
FIRST = Parameter("first.weight", (4, 4))


def test_a_module_has_the_line_that_built_it_and_a_function_that_of_its_call() -> None:
    events = [kind("relu (train.py:8)", "relu"), kind("relu (train.py:9)", "relu", CALLED)]
    run = make_run(loss=[1.0], modules=MODULES, events=events)
    assert activation_site(run, "act") == BUILT
    assert activation_site(run, "act [8]") == BUILT
    assert activation_site(run, "relu (train.py:9)") == CALLED
    assert activation_site(run, "relu (train.py:10)") is None
    assert activation_site(run, "nowhere") is None


def test_an_activation_that_flattens_is_named_before_the_layer() -> None:
    flat = kind("sigmoid (train.py:9)", "sigmoid", CALLED)
    run = make_run(loss=[1.0], modules=MODULES, events=[kind("act", "ReLU"), flat])
    assert flattening_site(run, FIRST) == CALLED
    plain = make_run(loss=[1.0], modules=MODULES, events=[kind("act", "ReLU")])
    assert flattening_site(plain, FIRST) == LAYER
    assert flattening_site(plain, Parameter("gone.weight", (4, 4))) is None
