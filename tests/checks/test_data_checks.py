"""Unit tests of the data checks on invented runs: no torch, no process."""

from __future__ import annotations

import math

import pytest

from assay.checks.data.data_not_shuffled import DataNotShuffled, clumping, entropy
from assay.checks.data.input_not_finite import InputNotFinite
from assay.checks.data.input_not_normalised import InputNotNormalised
from assay.journal.view import Event, RunView, Site
from assay.testing import make_run, make_training

NAN, INF = math.nan, math.inf
LINE = Site("train.py", 12, "<module>")


def only(check, run: RunView):
    found = list(check.review(run))
    assert len(found) == 1, found
    return found[0]


# --- input-not-finite -------------------------------------------------------------------------


def batch_run(nan=(0.0, 0.0), bad=None, loss=(1.0, 1.0), **more) -> RunView:
    return make_run(
        input_nan_share={"input 0": list(nan)},
        input_nonfinite_share={"input 0": list(bad or nan)},
        loss=list(loss),
        events=[Event("input", 0, {"place": "input 0"}, LINE)],
        **more,
    )


def test_nan_in_a_batch_whose_loss_is_nan_is_an_error() -> None:
    finding = only(InputNotFinite(), batch_run(nan=(0.0, 0.01), loss=(1.0, NAN)))
    assert finding.severity == "error"
    assert finding.steps == (1, 1)
    assert finding.evidence[0].value == 0.01
    assert finding.where.site == LINE
    assert [trick.name for trick in finding.tricks] == ["skip-non-finite"]


def test_nan_that_breaks_only_the_gradient_is_an_error() -> None:
    finding = only(
        InputNotFinite(), batch_run(nan=(0.5, 0.0), grad_nonfinite_share={"w": [0.5, 0.0]})
    )
    assert finding.severity == "error"


def test_nan_that_the_model_fills_is_a_note() -> None:
    assert only(InputNotFinite(), batch_run(nan=(0.2, 0.2))).severity == "note"


def test_a_mask_of_minus_infinity_is_silent() -> None:
    assert not list(InputNotFinite().review(batch_run(bad=(0.4, 0.4))))


def test_a_mask_is_not_blamed_for_a_loss_that_breaks_later() -> None:
    assert not list(InputNotFinite().review(batch_run(bad=(0.4, 0.4), loss=(1.0, NAN))))


def test_minus_infinity_whose_every_step_breaks_is_an_error() -> None:
    finding = only(InputNotFinite(), batch_run(bad=(0.0, 0.001), loss=(1.0, INF)))
    assert finding.severity == "error"


def test_nan_targets_are_an_error() -> None:
    run = batch_run(target_mean={"mse_loss (train.py:9)": [0.0, NAN]}, loss=(1.0, NAN))
    assert "targets of mse_loss" in only(InputNotFinite(), run).summary


def test_a_traced_origin_counts_though_its_step_was_not_sampled() -> None:
    run = batch_run(loss=(1.0, 1.0, 1.0, NAN))
    data = {"kind": "input", "place": "mat1 of Addmm", "share": 0.1, "module": "0"}
    run.all_events.append(Event("nonfinite_origin", 3, data, LINE, training=0))
    assert only(InputNotFinite(), run).steps == (3, 3)


@pytest.mark.parametrize("kind", ["parameter", "operation"])
def test_an_origin_that_is_no_input_is_silent(kind: str) -> None:
    run = batch_run(loss=(1.0, NAN))
    data = {"kind": kind, "place": "Log", "share": 0.1, "module": None}
    run.all_events.append(Event("nonfinite_origin", 1, data, LINE, training=0))
    assert not list(InputNotFinite().review(run))


def test_finite_batches_and_an_empty_run_are_silent() -> None:
    assert not list(InputNotFinite().review(batch_run()))
    assert not list(InputNotFinite().review(make_run()))
    why = InputNotFinite().why_skipped(make_run())
    assert why == "no model was given a tensor in the sampled steps"


# --- input-not-normalised ---------------------------------------------------------------------


def entering(mean, std, optimizer: str = "SGD", samples: int = 5) -> RunView:
    return make_run(
        make_training(
            optimizer=optimizer,
            layer_input_mean={"conv1": [mean] * samples},
            layer_input_std={"conv1": [std] * samples},
        )
    )


@pytest.mark.parametrize(
    ("mean", "std"),
    [
        (0, 1),
        (0.13, 0.31),  # [0, 1] images
        (5, 6),  # digits from 0 to 16
        (0, 29.9),  # just under the limit of scale
        (11.9, 1),  # just under the limit of offset
        (1.0, 0.0),  # a constant code
        (0.001, 0.03),  # one-hot and sparse rows
        (NAN, NAN),
    ],
)
def test_inputs_of_common_scale_are_silent(mean: float, std: float) -> None:
    assert not list(InputNotNormalised().review(entering(mean, std)))


@pytest.mark.parametrize(("mean", "std"), [(113, 48.6), (0, 30.1), (-33, 78), (12.1, 1), (2005, 9)])
def test_raw_inputs_are_found(mean: float, std: float) -> None:
    finding = only(InputNotNormalised(), entering(mean, std))
    assert finding.severity == "warning"
    assert finding.where.module == "conv1"
    assert finding.evidence[0].value > finding.evidence[0].limit
    assert finding.tricks[0].name == "normalise-input"


@pytest.mark.parametrize(
    "optimizer", ["Adam", "AdamW", "NAdam", "RAdam", "SparseAdam", "RMSprop", "Adagrad"]
)
def test_scale_alone_is_a_note_where_steps_are_adaptive(optimizer: str) -> None:
    assert only(InputNotNormalised(), entering(33, 79, optimizer)).severity == "note"
    assert only(InputNotNormalised(), entering(2005, 9, optimizer)).severity == "warning"


def test_one_strange_batch_of_many_is_silent() -> None:
    run = make_run(layer_input_mean={"fc": [0, 900, 0]}, layer_input_std={"fc": [1, 900, 1]})
    assert not list(InputNotNormalised().review(run))


def test_one_sample_is_enough_and_none_is_not() -> None:
    assert only(InputNotNormalised(), entering(113, 48, samples=1))
    assert not list(InputNotNormalised().review(entering(113, 48, samples=0)))
    assert not list(InputNotNormalised().review(make_run()))


# --- data-not-shuffled ------------------------------------------------------------------------


def labelled(batches, loader=None, **more) -> RunView:
    classes = range(len(batches[0])) if batches else range(0)
    counts = {str(c): [batch[c] for batch in batches] for c in classes}
    events = [Event("loader", 0, loader, LINE)] if loader else []
    call = {"place": "cross_entropy", "input": {"shape": [32, 4], "dtype": "float32"}}
    events.append(Event("loss_call", 0, call, Site("train.py", 30)))
    return make_run(label_count=counts, events=events, **more)


def sorted_batches(n: int = 16, size: int = 32):
    return [[size, 0] if i < n // 2 else [0, size] for i in range(n)]


def test_sorted_labels_are_found() -> None:
    finding = only(DataNotShuffled(), labelled(sorted_batches()))
    assert finding.severity == "warning"
    assert finding.evidence[0].value == pytest.approx(1.0, abs=0.05)
    assert finding.where.site.line == 30
    assert finding.tricks[0].name == "shuffle"


def test_the_line_that_built_the_loader_is_named() -> None:
    built = {"grad": True, "built": ["train.py", 8, "<module>"]}
    assert only(DataNotShuffled(), labelled(sorted_batches(), built)).where.site.line == 8
    assert only(DataNotShuffled(), labelled(sorted_batches(), {"grad": True})).where.site == LINE


@pytest.mark.parametrize(
    "batches",
    [
        [[16, 16]] * 16,  # balanced by design
        [[15, 17], [18, 14]] * 8,
        [[30, 2]] * 16,  # unequal classes
        [[32, 0]] * 16,  # one class only
        [[1, 0], [0, 1]] * 8,  # batches of one
        sorted_batches(n=6),  # too few
        [[3, 0], [0, 3]] * 8,  # too small
        [[8, 0, 0, 0], [0, 8, 0, 0], [8, 8, 8, 8]] * 0,
    ],
)
def test_other_label_orders_are_silent(batches) -> None:
    assert not list(DataNotShuffled().review(labelled(batches)))


def test_one_batch_over_and_over_is_silent() -> None:
    assert not list(DataNotShuffled().review(labelled([[20, 12]] * 40)))


def test_blocks_longer_than_the_samples_show_in_the_file_order() -> None:
    blocks = {"grad": True, "labels_equal_next": 0.999, "labels_equal_by_chance": 0.1}
    finding = only(DataNotShuffled(), labelled([[32, 0]] * 16, blocks))
    assert "SequentialSampler" in finding.summary


def test_a_sorted_file_that_is_not_what_trains_is_silent() -> None:
    blocks = {"grad": True, "labels_equal_next": 0.999, "labels_equal_by_chance": 0.5}
    assert not list(DataNotShuffled().review(labelled([[15, 17], [18, 14]] * 8, blocks)))
    test = {**blocks, "grad": False}
    assert not list(DataNotShuffled().review(labelled([[32, 0]] * 16, test)))


def test_without_labels_it_is_skipped() -> None:
    why = str(DataNotShuffled().why_skipped(make_run(loss=[1.0])))
    assert why.startswith("no loss function of torch.nn was given class labels")


def test_clumping_and_entropy() -> None:
    assert entropy([5, 5]) == pytest.approx(math.log(2))
    assert entropy([0, 0]) == 0
    assert math.isnan(clumping([]))
    assert math.isnan(clumping([[4, 0], [4, 0]]))
    assert clumping([[8, 8]] * 10) < 0
