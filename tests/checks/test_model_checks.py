"""Unit tests of the model checks on invented runs: at each limit, just under, nan, empty."""

from __future__ import annotations

import math

import pytest

from assay.checks.base import Check
from assay.checks.finding import Finding
from assay.checks.model.dead_units import DeadUnits
from assay.checks.model.eval_mode_in_training import EvalModeInTraining
from assay.checks.model.saturated_activation import SaturatedActivation
from assay.checks.model.symmetric_initialisation import SymmetricInitialisation
from assay.journal.view import Evaluation, Event, Module, Parameter, RunView, Site
from assay.testing import make_run, make_training

NAN = math.nan
LINE = Site("train.py", 31, "forward")


def only(check: Check, run: RunView) -> Finding:
    found = list(check.review(run))
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    "check", [SymmetricInitialisation(), DeadUnits(), SaturatedActivation(), EvalModeInTraining()]
)
def test_an_empty_run_is_silent_and_says_why(check: Check) -> None:
    run = make_run(loss=[1.0, 0.9])
    assert list(check.review(run)) == []
    assert check.why_skipped(run) is not None


# --- symmetric-initialisation -----------------------------------------------------------------


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
    finding = only(
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
    assert only(SymmetricInitialisation(), twins([1.0] * 5)).where.parameter == "fc.weight"


def test_what_comes_after_the_opening_window_does_not_count() -> None:
    assert only(SymmetricInitialisation(), twins([*[1.0] * 32, 0.2, 0.1])).steps[0] == 0


def test_steps_without_any_gradient_prove_nothing() -> None:
    run = twins([1.0] * 32)
    run.trainings[0].signals["grad_norm"][""] = make_training(loss=[0.0] * 40).series("loss")
    assert list(SymmetricInitialisation().review(run)) == []


def test_gates_of_a_recurrent_layer_may_differ() -> None:
    name, gates = "lstm.weight_ih_l0", [1 - 3 / 255] * 8
    assert only(SymmetricInitialisation(), twins(gates, name, "LSTM", (256, 10)))
    fewer = [1 - 4 / 255] * 8
    assert list(SymmetricInitialisation().review(twins(fewer, name, "LSTM", (256, 10)))) == []
    assert list(SymmetricInitialisation().review(twins(gates, shape=(256, 10)))) == []


def test_columns_count_for_bare_matrices_only() -> None:
    assert list(SymmetricInitialisation().review(twins([1.0] * 8, side="column"))) == []
    finding = only(SymmetricInitialisation(), twins([1.0] * 8, "w1", "", (16, 64), "column"))
    assert "64 units of w1" in finding.summary


def test_equal_embeddings_are_silent() -> None:
    run = twins([1.0] * 8, "token.weight", "Embedding")
    assert list(SymmetricInitialisation().review(run)) == []


# --- dead-units -------------------------------------------------------------------------------


def dead(values, place="1", events=()) -> RunView:
    return make_run(events=events, dead_unit_share={place: dict(enumerate(values, 15))})


def test_a_whole_dead_layer_is_an_error() -> None:
    finding = only(DeadUnits(), dead([0.5, 1.0]))
    assert (finding.severity, finding.tier) == ("error", "exact")
    assert finding.where.module == "1"
    assert finding.steps == (16, 16)


def test_nearly_all_is_a_warning() -> None:
    finding = only(DeadUnits(), dead([0.9]))
    assert (finding.severity, finding.tier) == ("warning", "heuristic")
    assert finding.evidence[0].limit == 0.9


@pytest.mark.parametrize("values", [[0.899], [1.0, 0.3], [0.0], [NAN], []])
def test_living_layers_are_silent(values) -> None:
    assert list(DeadUnits().review(dead(values))) == []


def test_a_functional_relu_is_named_with_its_line() -> None:
    place = "relu (train.py:31)"
    kind = Event("activation_kind", 0, {"place": place, "of": "relu"}, LINE)
    assert only(DeadUnits(), dead([1.0], place, [kind])).where.site == LINE


def test_several_dead_layers_are_one_finding() -> None:
    run = make_run(dead_unit_share={"1": {20: 1.0}, "3": {20: 1.0}, "5": {20: 0.95}})
    finding = only(DeadUnits(), run)
    assert finding.details["layers"] == ["1", "3"]


# --- saturated-activation ---------------------------------------------------------------------


def saturated(values, place="1") -> RunView:
    return make_run(activation_saturated_share={place: list(values)})


def test_saturation_at_the_limit_is_found() -> None:
    finding = only(SaturatedActivation(), saturated([0.7] * 8))
    assert finding.severity == "warning"
    assert "70% of the outputs of 1" in finding.summary


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([0.699] * 8, id="just under"),
        pytest.param([0.99] * 7, id="too few samples"),
        pytest.param([0.1] * 10 + [0.99] * 9, id="driven there late"),
        pytest.param([NAN] * 20, id="not a number"),
        pytest.param([0.99], id="one sample"),
    ],
)
def test_unsaturated_layers_are_silent(values) -> None:
    assert list(SaturatedActivation().review(saturated(values))) == []


def test_the_worst_layer_leads() -> None:
    run = make_run(activation_saturated_share={"1": [0.8] * 9, "3": [0.95] * 9, "5": [0.1] * 9})
    finding = only(SaturatedActivation(), run)
    assert finding.where.module == "3"
    assert finding.details["layers"] == ["1", "3"]


# --- eval-mode-in-training --------------------------------------------------------------------


def switch(step: int, training: bool, *, grad: bool = True, owner: str = "Net") -> Event:
    return Event("mode_switch", step, {"owner": owner, "training": training, "grad": grad}, LINE)


def modes(values, *events: Event, evaluations=()) -> RunView:
    training = make_training(eval_share={"Net": list(values)}, evaluations=evaluations)
    return make_run(training, events=events)


FORGOTTEN = [0.0] * 10 + [1.0] * 20
EVALUATED = Event("evaluated", 10, {}, LINE)


def test_a_forgotten_train_call_is_an_error_at_the_line_of_eval() -> None:
    finding = only(EvalModeInTraining(), modes(FORGOTTEN, switch(10, False), EVALUATED))
    assert finding.severity == "error"
    assert finding.where.site == LINE
    assert finding.steps == (10, 29)
    assert finding.tricks[0].name == "train-mode"


def test_from_the_first_step_on_it_is_a_warning() -> None:
    evaluated = Event("evaluated", 0, {}, LINE)
    finding = only(EvalModeInTraining(), modes([1.0] * 9, switch(0, False), evaluated))
    assert finding.severity == "warning"


def test_an_evaluation_is_known_by_its_loss_or_by_gradients_off() -> None:
    held_out = Evaluation(10, "cross_entropy", 0.5, None, 100)
    assert only(EvalModeInTraining(), modes(FORGOTTEN, switch(10, False), evaluations=[held_out]))
    assert only(EvalModeInTraining(), modes(FORGOTTEN, switch(10, False, grad=False)))


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(modes(FORGOTTEN, switch(10, False)), id="on purpose: no evaluation"),
        pytest.param(modes(FORGOTTEN), id="nobody switched"),
        pytest.param(modes([0.0] * 10 + [1.0] * 2, switch(10, False), EVALUATED), id="two steps"),
        pytest.param(
            modes([0.0] * 10 + [0.5] * 20, switch(10, False), EVALUATED), id="batch norm alone"
        ),
        pytest.param(modes([1.0] * 10 + [0.0] * 9, switch(0, False), EVALUATED), id="put right"),
        pytest.param(
            modes(FORGOTTEN, switch(5, False), EVALUATED, switch(10, True)), id="switched back"
        ),
        pytest.param(modes([NAN] * 9, switch(0, False), EVALUATED), id="not a number"),
        pytest.param(modes([1.0], switch(0, False), EVALUATED), id="one sample"),
    ],
)
def test_intended_modes_are_silent(run: RunView) -> None:
    assert list(EvalModeInTraining().review(run)) == []


def test_the_switch_of_another_model_does_not_count() -> None:
    teacher = switch(10, False, owner="Teacher")
    run = modes(FORGOTTEN, switch(0, True), EVALUATED, teacher)
    assert list(EvalModeInTraining().review(run)) == []
