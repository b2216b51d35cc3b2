"""Unit tests of `parameters-outside-optimizer` on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.optimizer.parameters_outside_optimizer import ParametersOutsideOptimizer
from assay.journal.view import Event, Module, Parameter, RunView, Site
from assay.testing import make_run, make_training

BUILT = Site("train.py", 20, "<module>")


HELD = (0, 0)


def only(run: RunView) -> Finding:
    found = list(ParametersOutsideOptimizer().review(run))
    assert len(found) == 1, found
    return found[0]


def model(layers: str, *, parts=("weight", "bias"), training=True):
    """Modules and parameters from a word: `o` is a layer in the optimizer, `x` one outside."""
    modules = [Module(str(i), "Linear", training) for i in range(len(layers))]
    parameters = [
        Parameter(f"{i}.{part}", (4, 4), group=HELD if layer == "o" else None)
        for i, layer in enumerate(layers)
        for part in parts
    ]
    return modules, parameters


def outside(
    layers: str, *, norms=(2.0,) * 5, events=(), names=None, steps=30, **more: int
) -> RunView:
    modules, parameters = model(layers)
    missing = names or [p.name for p in parameters if p.group is None]
    facts = {"names": missing, "count": len(missing), "elements": 16 * len(missing), **more}
    training = make_training(
        outside_weight_norm=list(norms), grad_norm=[1.0] * 5, steps=steps, site=BUILT
    )
    return make_run(
        training,
        modules=modules,
        parameters=parameters,
        events=[Event("outside_optimizer", 0, facts, training=0), *events],
    )


def test_a_forgotten_head_is_an_error_at_the_line_of_the_optimizer() -> None:
    finding = only(outside("oox"))
    assert (finding.severity, finding.tier) == ("error", "exact")
    assert finding.where.site == BUILT
    assert finding.where.parameter == "2.weight"
    assert finding.tricks[0].name == "add-parameters"


def test_a_backbone_that_was_not_frozen_is_a_note() -> None:
    finding = only(outside("xxo"))
    assert finding.severity == "note"
    assert finding.tricks == ()


def test_a_backbone_that_was_thawed_is_an_error() -> None:
    finding = only(outside("xxo", thawed=4))
    assert finding.severity == "error"
    assert finding.summary.endswith("in no optimizer; 4 of them were frozen before")


def test_a_forgotten_middle_is_an_error() -> None:
    assert only(outside("oxxo")).severity == "error"


def test_stale_parameters_make_even_a_backbone_an_error() -> None:
    stale = Event("without_gradient", 0, {"names": ["group 0 parameter 4"], "count": 1}, training=0)
    finding = only(outside("xxo", events=[stale]))
    assert finding.severity == "error"
    assert "holds 1 that never got a gradient" in finding.summary


def test_a_replaced_part_has_the_name_of_the_old_one() -> None:
    stale = Event("without_gradient", 0, {"names": ["1.weight"], "count": 1}, training=0)
    assert only(outside("oo", names=["1.weight", "1.bias"], events=[stale])).severity == "error"


LOADED = Event("load_state", 0, {"owner": "Linear", "missing": [], "unexpected": []})


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(outside("xxx"), id="an input is optimised"),
        pytest.param(outside("oxoxoxo"), id="adapters between layers"),
        pytest.param(outside("oo", names=["0.weight", "1.weight"]), id="only biases"),
        pytest.param(outside("oox", norms=[2.0, 2.0, 2.1]), id="moved by hand"),
        pytest.param(outside("oox", norms=[2.0, 2.0]), id="two samples"),
        pytest.param(outside("oox", norms=[]), id="none"),
        pytest.param(outside("oox", norms=[math.nan] * 5), id="not a number"),
        pytest.param(outside("oox", steps=2), id="two steps"),
        pytest.param(outside("oox", events=[LOADED]), id="loaded"),
        pytest.param(
            outside(
                "oox",
                events=[
                    Event(
                        "outside_optimizer", 1, {"names": [], "count": 0, "elements": 0}, training=0
                    )
                ],
            ),
            id="added later",
        ),
        pytest.param(make_run(grad_norm=[1.0] * 5), id="nothing outside"),
        pytest.param(make_run(), id="empty"),
    ],
)
def test_choices_are_silent(run: RunView) -> None:
    assert list(ParametersOutsideOptimizer().review(run)) == []


def test_what_a_checkpoint_lacked_is_not_loaded() -> None:
    partly = {"owner": "Linear", "missing": ["2.weight"], "unexpected": []}
    assert only(outside("oox", events=[Event("load_state", 0, partly)])).severity == "error"


def test_a_judge_in_evaluation_mode_is_silent() -> None:
    run = outside("oox")
    run.modules[2] = Module("2", "Linear", training=False)
    assert list(ParametersOutsideOptimizer().review(run)) == []


def loose(**facts: Any) -> RunView:
    norms = facts.pop("norms", [2.0] * 3)
    training = make_training(outside_weight_norm=norms, grad_norm=[1.0] * 3, steps=30, site=BUILT)
    usual = {"names": ["Linear.weight"], "count": 1, "elements": 90, "by": ["net.py", 8, "init"]}
    event = Event("loose_parameters", 0, {**usual, **facts}, training=0)
    return make_run(training, events=[event])


def test_layers_that_belong_to_no_model() -> None:
    finding = only(loose())
    assert finding.severity == "error"
    assert finding.where.site == Site("net.py", 8, "init")
    assert "1 parameters (90 numbers: Linear.weight) got gradients, but are part of no" in (
        finding.summary
    )
    assert only(loose(by=None)).where.site == BUILT


@pytest.mark.parametrize("facts", [{"count": 0}, {"norms": [2.0, 2.0]}, {"norms": [2.0, 2.0, 2.1]}])
def test_what_belongs_to_no_model_and_moves_or_is_gone_is_silent(facts: dict[str, Any]) -> None:
    assert list(ParametersOutsideOptimizer().review(loose(**facts))) == []
