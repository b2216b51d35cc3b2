"""The check `symmetric-initialisation` at its limits, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.model.symmetric_initialisation import SymmetricInitialisation
from assay.journal.view import Event, Module, Parameter, Site
from assay.testing import make_run, make_training, only_finding

NAN = math.nan


def twins(values, name="fc.weight", kind="Linear", shape=(64, 16), side="row", events=()):
    return make_run(
        modules=[Module(name.rpartition(".")[0], kind)],
        parameters=[Parameter(name, shape)],
        events=events,
        grad_norm={"": [1.0] * 40, name: [1.0] * 40},
        **{f"{side}_twin_share": {name: list(values)}},
    )


def test_equal_units_are_found_with_their_line() -> None:
    made = {"parameter": "fc.weight", "of": "constant", "by": ["train.py", 12, "init"]}
    finding = only_finding(
        SymmetricInitialisation(), twins([1.0] * 32, events=[Event("constant_init", 0, made)])
    )
    assert finding.severity == "error"
    assert finding.tier == "exact"
    assert "all 64 units of fc.weight" in finding.summary
    assert finding.where.site == Site("train.py", 12, "init")
    assert finding.tricks[0].name == "init"


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([1.0] * 4, id="too few samples"),
        pytest.param([1.0], id="one sample"),
        pytest.param([], id="none"),
        pytest.param([1.0, 1.0, *[0.0] * 30], id="parted after two steps"),
        pytest.param([*[1.0] * 31, 0.98], id="one unit parted"),
        pytest.param([*[1.0] * 10, NAN], id="not a number"),
    ],
)
def test_units_that_part_are_silent(values) -> None:
    assert list(SymmetricInitialisation().review(twins(values))) == []


def test_five_samples_are_enough() -> None:
    assert only_finding(SymmetricInitialisation(), twins([1.0] * 5)).where.parameter == "fc.weight"


def test_what_comes_after_the_opening_window_does_not_count() -> None:
    assert only_finding(SymmetricInitialisation(), twins([*[1.0] * 32, 0.2, 0.1])).steps[0] == 0


def test_steps_without_any_gradient_prove_nothing() -> None:
    run = twins([1.0] * 32)
    run.trainings[0].signals["grad_norm"][""] = make_training(loss=[0.0] * 40).series("loss")
    assert list(SymmetricInitialisation().review(run)) == []


def test_gates_of_a_recurrent_layer_may_differ() -> None:
    name, gates = "lstm.weight_ih_l0", [1 - 3 / 255] * 8
    assert only_finding(SymmetricInitialisation(), twins(gates, name, "LSTM", (256, 10)))
    fewer = [1 - 4 / 255] * 8
    assert list(SymmetricInitialisation().review(twins(fewer, name, "LSTM", (256, 10)))) == []
    assert list(SymmetricInitialisation().review(twins(gates, shape=(256, 10)))) == []


def test_columns_count_for_bare_matrices_only() -> None:
    assert list(SymmetricInitialisation().review(twins([1.0] * 8, side="column"))) == []
    finding = only_finding(
        SymmetricInitialisation(), twins([1.0] * 8, "w1", "", (16, 64), "column")
    )
    assert "64 units of w1" in finding.summary


def test_equal_embeddings_are_silent() -> None:
    run = twins([1.0] * 8, "token.weight", "Embedding")
    assert list(SymmetricInitialisation().review(run)) == []
