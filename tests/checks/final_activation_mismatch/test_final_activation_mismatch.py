"""Unit tests of `final-activation-mismatch`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.loss.final_activation_mismatch import FinalActivationMismatch
from assay.journal.view import Event, Module, Site
from assay.testing import make_run

CHECK = FinalActivationMismatch()
CALL, LINE, BUILT = Site("train.py", 20), Site("train.py", 12), Site("train.py", 5)


def found(
    share: float | None, *, fn: str = "mse_loss", activation: str = "Relu", **data: Any
) -> list[Finding]:
    place = f"{fn} (train.py:20)"
    made = {"fn": fn, "place": place, "activation": activation, "module": None,
            "line": ["train.py", 12, "forward"], **data}  # fmt: skip
    run = make_run(
        loss=[1.0] * 4,
        events=[
            Event("loss_call", 0, {"fn": fn, "place": place}, CALL),
            Event("loss_activation", 0, made, CALL),
        ],
        modules=[Module("net.3", "ReLU", site=BUILT)],
        **({"target_unreachable_share": {place: [share] * 4}} if share is not None else {}),
    )
    return list(CHECK.review(run))


def test_at_the_limit() -> None:
    (finding,) = found(CHECK.limit("share"))
    assert (finding.severity, finding.where.site.line) == ("warning", LINE.line)  # type: ignore[union-attr]
    assert finding.summary == (
        "5% of the targets of mse_loss can't be predicted: the model ends in relu, which gives "
        "nothing below 0"
    )


def test_just_under_the_limit() -> None:
    assert found(CHECK.limit("share") - 1e-6) == []


def test_many_targets_out_of_reach_are_an_error() -> None:
    assert found(CHECK.limit("most"))[0].severity == "error"
    assert found(CHECK.limit("most") - 1e-6)[0].severity == "warning"


def test_the_line_that_built_the_activation_comes_first() -> None:
    (finding,) = found(0.5, module="net.3")
    assert (finding.where.site, finding.where.module) == (BUILT, "net.3")


@pytest.mark.parametrize("fn", ["cross_entropy", "binary_cross_entropy_with_logits", "nll_loss"])
def test_logits_that_are_cut(fn: str) -> None:
    (finding,) = found(None, fn=fn, activation="Tanh")
    assert finding.severity == "warning"
    assert finding.summary.startswith(f"the logits of {fn} were the output of tanh")


def test_probabilities_given_to_a_loss_of_logits_are_another_check() -> None:
    assert found(None, fn="cross_entropy", activation="Softmax") == []
    assert found(None, fn="binary_cross_entropy_with_logits", activation="Sigmoid") == []
    assert len(found(None, fn="binary_cross_entropy", activation="Sigmoid")) == 1


def test_targets_in_reach_are_silent() -> None:
    assert found(0.0, activation="Sigmoid") == []


@pytest.mark.parametrize("loss", [[], [1.0], [math.nan] * 5])
def test_runs_that_cannot_be_judged_are_silent(loss: list[float]) -> None:
    assert list(CHECK.review(make_run(loss=loss))) == []
