"""Unit tests of the loss checks, and of the signals that they read, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.loss.loss_detached import LossDetached
from assay.checks.loss.loss_not_decreasing import LossNotDecreasing
from assay.checks.loss.loss_not_finite import LossNotFinite
from assay.checks.loss.loss_shape_broadcast import LossShapeBroadcast, broadcast
from assay.checks.loss.softmax_before_cross_entropy import SoftmaxBeforeCrossEntropy
from assay.journal.series import Series
from assay.journal.view import Event, RunView, Site
from assay.signals.constant import constant_loss
from assay.signals.trend import line, noise, trend
from assay.testing import make_run, make_training

NAN, INF = math.nan, math.inf
LINE = Site("train.py", 31, "<module>")
CE = "cross_entropy (train.py:31)"


def call(fn: str = "cross_entropy", place: str = CE, shape=(64, 4), target=(64,), **more) -> Event:
    facts = {
        "fn": fn,
        "place": place,
        "input": {"shape": list(shape), "dtype": "float32"},
        "target": {"shape": list(target), "dtype": "int64"} if target is not None else None,
        "requires_grad": True,
        "in_graph": True,
        "reduction": "mean",
        "label_smoothing": 0.0,
        "weighted": False,
        "producer": "Addmm",
        **more,
    }
    return Event("loss_call", 0, facts, LINE)


def only(check, run: RunView):
    found = list(check.review(run))
    assert len(found) == 1, found
    return found[0]


# --- softmax-before-cross-entropy -------------------------------------------------------------


def given(made_by: str = "softmax", shape=(64, 4), **more) -> Event:
    facts = {
        "fn": "cross_entropy", "place": CE, "argument": "input", "made_by": made_by, "over": None,
        "size": None, "shape": list(shape), "setting": None, **more,
    }  # fmt: skip
    return Event("loss_given", 0, facts, LINE)


def squashed(values, *events: Event) -> RunView:
    return make_run(events=events or [given()], probability_dims={CE: list(values)})


def test_probabilities_at_every_call_are_found() -> None:
    finding = only(SoftmaxBeforeCrossEntropy(), squashed([2.0] * 5, given(shape=(64, 10))))
    assert finding.severity == "error"
    assert finding.where.site == LINE
    assert "1.46 for 10 classes" in finding.why
    assert only(SoftmaxBeforeCrossEntropy(), squashed([2.0]))
    assert only(SoftmaxBeforeCrossEntropy(), squashed([1.0], given(shape=(4,))))


@pytest.mark.parametrize("values", [[], [0.0] * 5, [2.0] * 9 + [0.0], [1.0] * 5, [NAN] * 3])
def test_logits_at_any_call_are_silent(values) -> None:
    assert not list(SoftmaxBeforeCrossEntropy().review(squashed(values)))


def test_a_sigmoid_is_found_by_what_made_it() -> None:
    finding = only(SoftmaxBeforeCrossEntropy(), squashed([], given("sigmoid")))
    assert "sigmoid" in finding.summary


@pytest.mark.parametrize(
    "events",
    [
        [given("linear")],
        [given("")],
        [given("log_softmax")],
        [given("sigmoid"), given("linear")],
        [given("sigmoid", fn="mse_loss")],
    ],
)
def test_other_inputs_are_silent(events: list[Event]) -> None:
    assert not list(SoftmaxBeforeCrossEntropy().review(squashed([0.0] * 3, *events)))


BCE = "binary_cross_entropy_with_logits"


# --- loss-shape-broadcast ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "target", "table"),
    [
        ((40, 1), (40,), 1600),
        ((40,), (40, 1), 1600),
        ((8, 5, 1), (8, 5), 0),
        ((5, 5, 1), (5, 5), 125),
    ],
)
def test_outer_products_are_found(shape, target, table: int) -> None:
    run = make_run(events=[call("mse_loss", shape=shape, target=target)])
    if not table:
        assert broadcast(list(shape), list(target)) is None
        assert not list(LossShapeBroadcast().review(run))
        return
    finding = only(LossShapeBroadcast(), run)
    assert f"compared {table} pairs" in finding.summary
    assert finding.evidence[0].value > 1


@pytest.mark.parametrize(
    ("fn", "shape", "target"),
    [
        ("mse_loss", (40,), (40,)),
        ("mse_loss", (40, 3), (40, 3)),
        ("mse_loss", (40, 3), ()),  # a scalar target
        ("mse_loss", (40, 3), (3,)),  # one target for each column
        ("mse_loss", (40, 3), (40, 1)),  # one for each row
        ("mse_loss", (1, 1), (1,)),  # a batch of one
        ("smooth_l1_loss", (40, 9, 1), (40, 1, 5)),  # pairs on purpose
        ("cross_entropy", (40, 3), (40,)),
        ("mse_loss", (40,), None),
    ],
)
def test_other_shapes_are_silent(fn, shape, target) -> None:
    run = make_run(events=[call(fn, shape=shape, target=target)])
    assert not list(LossShapeBroadcast().review(run))


def pairs(one, other, operation="Sub") -> RunView:
    facts = {"operation": operation, "one": list(one), "other": list(other),
             "line": ["train.py", 31, "<module>"]}  # fmt: skip
    return make_run(events=[Event("pairs_compared", 3, facts, Site("train.py", 40))])


@pytest.mark.parametrize(
    ("operation", "sign"), [("Sub", "-"), ("Mul", "*"), ("Div", "/"), ("Add", "+")]
)
def test_arithmetic_is_found_on_its_own_line(operation: str, sign: str) -> None:
    finding = only(LossShapeBroadcast(), pairs((40,), (40, 1), operation))
    assert finding.where.site == LINE
    assert finding.summary.startswith(f"[40] {sign} [40, 1] gave [40, 40]: 1600 pairs for 40 ")
    assert LossShapeBroadcast().why_skipped(pairs((40,), (40, 1))) is None


def test_arithmetic_of_a_batch_of_one_is_silent() -> None:
    assert not list(LossShapeBroadcast().review(pairs((1,), (1, 1))))
    assert LossShapeBroadcast().why_skipped(make_run(loss=[1.0])) is not None


# --- loss-not-finite --------------------------------------------------------------------------


def test_the_first_broken_step_is_named() -> None:
    finding = only(LossNotFinite(), make_run(loss=[1.0, 0.5, NAN, NAN], events=[call()]))
    assert finding.steps == (2, 3)
    assert finding.severity == "error"
    assert "last finite one was 0.5" in finding.summary
    assert finding.where.site == LINE


def test_one_infinite_loss_that_passes_is_a_warning() -> None:
    assert only(LossNotFinite(), make_run(loss=[1.0, INF, 0.9])).severity == "warning"


def test_the_only_step_may_be_the_broken_one() -> None:
    assert only(LossNotFinite(), make_run(loss=[-INF])).steps == (0, 0)


def test_a_loss_that_grew_first_gets_a_lower_rate() -> None:
    grown = only(LossNotFinite(), make_run(loss=[1.0, 10.1, NAN]))
    assert [trick.name for trick in grown.tricks][:2] == ["clip-norm", "lr"]
    assert grown.tricks[1].value == "x0.1"
    sudden = only(LossNotFinite(), make_run(loss=[1.0, 10.0, NAN]))
    assert [trick.name for trick in sudden.tricks][:2] == ["skip-non-finite", "clip-norm"]


@pytest.mark.parametrize(
    ("signals", "said", "step"),
    [
        ({"input_nan_share": {"input 0": [0, 0, 0.1]}}, "the input `input 0`", 2),
        ({"weight_nonfinite_share": {"0.weight": [0, 0.2, 0.2]}}, "the weight `0.weight`", 1),
        ({"activation_nonfinite_share": {"fc": [0, 0, 0.5]}}, "the output of `fc`", 2),
        ({"grad_nonfinite_share": {"0.weight": [0, 0.2, 1]}}, "the gradient of `0.weight`", 1),
        (
            {
                "activation_nonfinite_share": {"a": [0, 0, 1], "b": [0, 0, 1]},
                "weight_norm": {"w": [1, math.inf, math.inf]},
                "weight_nonfinite_share": {"w": [0, 0, 0]},
            },
            "the output of `a`",
            2,
        ),
    ],
)
def test_what_broke_first_is_named(signals, said: str, step: int) -> None:
    finding = only(LossNotFinite(), make_run(loss=[1.0, 1.0, NAN], **signals))
    assert f"{said} at step {step}" in finding.summary


def test_this_steps_gradient_is_no_source() -> None:
    run = make_run(loss=[1.0, NAN], grad_nonfinite_share={"0.weight": [0, 1]})
    assert "first was" not in only(LossNotFinite(), run).summary


def test_a_traced_operation_is_named() -> None:
    data = {"kind": "operation", "place": "Log", "share": 0.1, "module": "head"}
    run = make_run(loss=[1.0, NAN], events=[Event("nonfinite_origin", 1, data, LINE)])
    finding = only(LossNotFinite(), run)
    assert "operation `Log` next to head" in finding.summary
    assert finding.where.module == "head"


def test_finite_and_missing_losses_are_silent() -> None:
    assert not list(LossNotFinite().review(make_run(loss=[1e30, -5.0, 0.0])))
    assert not list(LossNotFinite().review(make_run()))
    why = LossNotFinite().why_skipped(make_run())
    assert why == "no step followed a call of backward() on one scalar loss"


# --- loss-detached ----------------------------------------------------------------------------


def without(count: int, of: int, training: int = 0) -> Event:
    return Event("without_gradient", 0, {"count": count, "of": of}, LINE, training=training)


def test_no_gradient_anywhere_is_found() -> None:
    leaf = Event("loss_without_graph", 0, {"requires_grad": True}, Site("train.py", 40))
    finding = only(LossDetached(), make_run(loss=[1.0] * 9, events=[without(4, 4), leaf]))
    assert "none of the 4" in finding.summary
    assert finding.where.site == Site("train.py", 40)


def test_the_line_of_a_loss_without_graph_is_preferred() -> None:
    cut = call("l1_loss", requires_grad=False, in_graph=False)
    run = make_run(loss=[1.0] * 9, events=[cut, without(4, 4)])
    assert only(LossDetached(), run).where.site == LINE


@pytest.mark.parametrize(
    "events",
    [
        [],
        [without(3, 4)],
        [without(4, 4), without(0, 4)],  # later they had one
        [without(4, 4), Event("outside_optimizer", 0, {"count": 4}, LINE)],
    ],
)
def test_partly_detached_models_are_silent(events) -> None:
    assert not list(LossDetached().review(make_run(loss=[1.0] * 9, events=events)))


def test_any_gradient_norm_is_proof_of_a_graph() -> None:
    run = make_run(loss=[1.0] * 9, grad_norm=[1.0], events=[without(4, 4)])
    assert not list(LossDetached().review(run))


def test_one_of_two_players_at_rest_is_silent() -> None:
    run = make_run(
        make_training(loss=[1.0] * 9),
        make_training(index=1, loss=[1.0] * 9, grad_norm=[1.0] * 9),
        events=[without(4, 4)],
    )
    assert not list(LossDetached().review(run))


def test_a_refused_backward_pass_is_found_without_a_single_step() -> None:
    error = "element 0 of tensors does not require grad and does not have a grad_fn"
    run = make_run(steps=0, events=[Event("backward_failed", 0, {"error": error}, LINE)])
    assert LossDetached().why_skipped(run) is None
    assert only(LossDetached(), run).where.site == LINE
    other = make_run(
        steps=0, events=[Event("backward_failed", 0, {"error": "out of memory"}, LINE)]
    )
    assert not list(LossDetached().review(other))


# --- loss-not-decreasing ----------------------------------------------------------------------


def wiggle(i: int) -> float:
    return 0.02 * math.sin(12.9898 * i * i)


def curve(begin: float, end: float, steps: int = 200, knee: float = 0.2, events=None, **more):
    """Falls in a straight line to `end` over the first `knee` of the run, then stays."""
    flat = max(int(knee * steps), 1)
    loss = [begin + (end - begin) * min(i / flat, 1) + wiggle(i) for i in range(steps)]
    counts = {str(c): [16.0] * 32 for c in range(4)}
    return make_run(
        loss=loss,
        loss_call_value={CE: loss[:32]},
        label_count=counts,
        events=[call()] if events is None else events,
        **more,
    )


CHANCE = math.log(4)


def test_a_loss_at_chance_is_found() -> None:
    finding = only(LossNotDecreasing(), curve(CHANCE, CHANCE))
    assert finding.severity == "warning"
    assert finding.where.site == LINE
    assert finding.evidence[0].value == pytest.approx(1.0, abs=0.01)


def test_a_loss_that_rises_has_fallen_by_nothing() -> None:
    """It was said to be -15 standard errors, with a limit of 2."""
    rising = [CHANCE + 0.001 * i + wiggle(i) for i in range(200)]
    run = curve(CHANCE, CHANCE)
    rises = make_run(
        loss=rising, loss_call_value={CE: rising[:32]}, events=[call()],
        label_count={str(c): [16.0] * 32 for c in range(4)},
    )  # fmt: skip
    assert [e.unit for e in only(LossNotDecreasing(), rises).evidence] == ["of a constant's loss"]
    for evidence in only(LossNotDecreasing(), run).evidence[1:]:
        assert 0 < evidence.value <= (evidence.limit or 0)


def test_a_loss_that_lost_what_it_had_learnt_is_said_to_have() -> None:
    """What began after it had learnt comes of what happened then."""
    loss = [max(CHANCE - 0.01 * i, 0.4) if i < 120 else CHANCE + wiggle(i) for i in range(240)]
    run = make_run(
        loss=loss, loss_call_value={CE: loss[:32]}, events=[call()],
        label_count={str(c): [16.0] * 32 for c in range(4)},
    )  # fmt: skip
    finding = only(LossNotDecreasing(), run)
    assert "has lost all that it had learnt" in finding.why
    assert finding.onset[0] == 96
    assert only(LossNotDecreasing(), curve(CHANCE, CHANCE)).onset[0] == 0


def test_a_loss_that_starts_high_and_stays_at_chance_is_found() -> None:
    assert only(LossNotDecreasing(), curve(20.0, CHANCE))


@pytest.mark.parametrize(
    "run",
    [
        curve(CHANCE, 0.9 * CHANCE),
        curve(0.3, 0.3),  # converged before it began
        curve(20.0, CHANCE, knee=1.2),  # high, and still falling
        curve(CHANCE, CHANCE, steps=149),  # too short
        curve(CHANCE, CHANCE, learning_rate={"group 0": [i / 200 for i in range(200)]}),
        curve(CHANCE, CHANCE, events=[call(), call("mse_loss", place="mse_loss (train.py:40)")]),
        curve(CHANCE, CHANCE, events=[call(weighted=True)]),
        curve(CHANCE, CHANCE, events=[call(reduction="sum")]),
        curve(CHANCE, CHANCE, events=[]),
        curve(NAN, NAN),
    ],
)
def test_losses_that_may_well_be_right_are_silent(run: RunView) -> None:
    assert not list(LossNotDecreasing().review(run))


def test_a_loss_of_which_the_call_is_a_part_is_silent() -> None:
    run = curve(CHANCE, CHANCE)
    run.trainings[0].signals["loss_call_value"][CE] = Series([(0, 0.8), (1, 0.8)])
    assert not list(LossNotDecreasing().review(run))


def test_two_optimizers_are_silent() -> None:
    run = curve(CHANCE, CHANCE)
    run.trainings.append(make_training(index=1, loss=[CHANCE] * 200))
    assert not list(LossNotDecreasing().review(run))


def test_a_rate_that_has_finished_its_warm_up_is_judged() -> None:
    rates = [min(i / 20, 1.0) * (1 - i / 1000) for i in range(200)]
    assert only(LossNotDecreasing(), curve(CHANCE, CHANCE, learning_rate={"group 0": rates}))


# --- the constant's loss ----------------------------------------------------------------------


def test_the_loss_of_a_constant() -> None:
    counts = {"0": [3.0, 3.0], "1": [1.0, 1.0]}
    training = make_training(
        label_count=counts, target_mean={CE: [1.0, 3.0]}, target_std={CE: [2.0, 2.0]}
    )
    rare = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert constant_loss(training, call(shape=(4, 2))) == pytest.approx(rare)
    smooth = constant_loss(training, call(shape=(4, 2), label_smoothing=0.2))
    assert smooth == pytest.approx(-(0.7 * math.log(0.7) + 0.3 * math.log(0.3)))
    assert constant_loss(training, call(shape=(4, 500))) == pytest.approx(math.log(500))
    assert constant_loss(training, call(shape=(4, 7, 20))) == pytest.approx(math.log(7))
    assert constant_loss(training, call("mse_loss")) == pytest.approx(5.0)
    assert constant_loss(training, call("l1_loss")) == pytest.approx(math.sqrt(5))
    assert constant_loss(training, call("ctc_loss")) is None
    assert constant_loss(make_training(), call("mse_loss")) is None
    coin = make_training(target_mean={CE: [0.5]}, target_std={CE: [0.5]})
    assert constant_loss(coin, call(BCE)) == pytest.approx(math.log(2))


# --- trends -----------------------------------------------------------------------------------


def test_a_trend_is_judged_against_its_noise() -> None:
    flat = trend(Series((i, 1 + wiggle(i)) for i in range(200)))
    falling = trend(Series((i, 1 - i / 400 + wiggle(i)) for i in range(200)))
    assert flat is not None
    assert not flat.falls()
    assert falling is not None
    assert falling.falls()
    assert falling.fall == pytest.approx(0.25, rel=0.05)
    assert falling.begin > falling.end


def test_no_trend_without_enough_samples() -> None:
    assert trend(Series((i, 1.0) for i in range(11))) is None
    assert trend(Series((i, NAN) for i in range(50))) is None
    assert trend(Series((i, 1.0) for i in range(12))) is not None


def test_neighbours_that_move_together_widen_the_error() -> None:
    slow = [math.sin(i / 8) for i in range(200)]
    fast = [math.sin(12.9898 * i * i) for i in range(200)]
    assert line(slow)[1] > 2 * line(fast)[1]
    assert line([1.0, 2.0])[1] == INF


def test_noise_leaves_out_trend_and_spikes() -> None:
    assert noise([float(i) for i in range(50)]) == pytest.approx(0, abs=1e-9)
    assert noise([1.0, 2.0]) == 0
    spiky = [wiggle(i) for i in range(200)]
    spiky[100] = 50.0
    assert noise(spiky) == pytest.approx(noise([wiggle(i) for i in range(200)]), rel=0.1)


@pytest.mark.parametrize(
    ("given", "passes", "count", "found"),
    [
        (20, 40, 4, True),
        (20, 28, 4, False),  # seven passes are too few to tell
        (22, 40, 4, False),  # there was a gradient since
        (20, 40, 3, False),  # not of all parameters
    ],
)
def test_a_loss_that_loses_its_graph_in_mid_run_is_found(
    given: int, passes: int, count: int, found: bool
) -> None:
    lost = Event("without_gradient", 21, {"count": count, "of": 4}, LINE, training=0)
    run = make_run(
        make_training(
            loss=[1.0] * 50, grad_norm={"w": [1.0] * given}, backward_passes=[1.0] * (passes + 1)
        ),
        events=[without(1, 4), lost],
    )
    if given == 22:
        run.trainings[0].signals["grad_norm"]["w"].append(30, 1.0)
    if passes == 28:
        run.trainings[0].signals["backward_passes"][""] = Series((s, 1.0) for s in range(29))
    findings = list(LossDetached().review(run))
    assert bool(findings) == found
    if found:
        assert "got a gradient from step 21 on, to the end at step 50" in findings[0].summary
