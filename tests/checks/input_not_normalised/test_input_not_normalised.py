"""The check `input-not-normalised` at its limits, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.data.input_not_normalised import InputNotNormalised
from assay.journal.view import Module, RunView
from assay.testing import make_run, make_training, only_finding

NAN, INF = math.nan, math.inf


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
    finding = only_finding(InputNotNormalised(), entering(mean, std))
    assert finding.severity == "warning"
    assert finding.where.module == "conv1"
    assert finding.evidence[0].value > finding.evidence[0].limit
    assert finding.tricks[0].name == "normalise-input"


@pytest.mark.parametrize(
    "optimizer", ["Adam", "AdamW", "NAdam", "RAdam", "SparseAdam", "RMSprop", "Adagrad"]
)
def test_scale_alone_is_a_note_where_steps_are_adaptive(optimizer: str) -> None:
    assert only_finding(InputNotNormalised(), entering(33, 79, optimizer)).severity == "note"
    assert only_finding(InputNotNormalised(), entering(2005, 9, optimizer)).severity == "warning"


@pytest.mark.parametrize(
    ("behind", "mean", "std", "severity"),
    [
        ("BatchNorm2d", 33, 79, "note"),
        ("LayerNorm", 33, 79, "note"),
        ("ReLU", 33, 79, "warning"),
        ("BatchNorm2d", 2005, 9, "note"),
        ("LayerNorm", 2005, 9, "warning"),
    ],
)
def test_a_norm_right_behind_takes_scale_away(
    behind: str, mean: float, std: float, severity: str
) -> None:
    run = entering(mean, std)
    run.modules += [Module("conv1", "Conv2d"), Module("a", behind), Module("b", "BatchNorm2d")]
    assert only_finding(InputNotNormalised(), run).severity == severity


def test_one_strange_batch_of_many_is_silent() -> None:
    run = make_run(layer_input_mean={"fc": [0, 900, 0]}, layer_input_std={"fc": [1, 900, 1]})
    assert not list(InputNotNormalised().review(run))


def test_one_sample_is_enough_and_none_is_not() -> None:
    assert only_finding(InputNotNormalised(), entering(113, 48, samples=1))
    assert not list(InputNotNormalised().review(entering(113, 48, samples=0)))
    assert not list(InputNotNormalised().review(make_run()))


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ([(0, 1)] * 30, [(110, 100)] * 8, True),
        ([(0, 1)] * 30, [(110, 100)] * 7, False),  # outliers
        ([(0, 1)] * 7, [(110, 100)] * 6, False),
        ([(0, 1)] * 30, [(110, 100)] * 8 + [(0, 1)], False),  # it is over
        ([(0, 20)] * 30, [(0, 90)] * 8, False),  # not five times as large
    ],
)
def test_data_that_change_in_mid_run_are_named_with_the_step(
    before: list[Any], after: list[Any], found: bool
) -> None:
    batches = [*before, *after]
    run = make_run(
        layer_input_mean={"fc": [float(mean) for mean, _ in batches]},
        layer_input_std={"fc": [float(std) for _, std in batches]},
    )
    findings = list(InputNotNormalised().review(run))
    assert bool(findings) == found
    if found:
        assert findings[0].summary.startswith("from step 30 on what enters `fc`")
        assert "(median of 8 batches); before that 0 and 1" in findings[0].summary
        assert findings[0].onset == (29, 30)
