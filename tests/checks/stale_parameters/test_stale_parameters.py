"""Unit tests of `stale-parameters`, on invented runs."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.optimizer.stale_parameters import StaleParameters
from assay.journal.view import Event, RunView, Site
from assay.testing import make_run, make_training

CHECK = StaleParameters()
BUILT = Site("train.py", 30)


def run(
    *, count: int = 4, outside: int = 4, norms: tuple[float, ...] = (3.0,) * 3, **signals: Any
) -> RunView:
    training = make_training(outside_weight_norm=list(norms), steps=60, site=BUILT, **signals)
    new = [f"Prices.{i}.weight" for i in range(outside)]
    return make_run(
        training,
        events=[
            Event("backward", 0, {}, None),
            Event("without_gradient", 0, {"names": [], "count": count, "of": 4}, training=0),
            Event(
                "outside_optimizer",
                0,
                {"names": new, "count": outside, "elements": 90},
                training=0,
            ),
        ],
    )


def found(given: RunView) -> list[Finding]:
    return list(CHECK.review(given))


def test_an_optimizer_of_another_model() -> None:
    (finding,) = found(run())
    assert finding.where.site == BUILT
    assert finding.summary == (
        "none of the 4 parameters of SGD #0 ever got a gradient in 60 steps, while 4 others did "
        "(Prices.0.weight, Prices.1.weight, Prices.2.weight, ...) that no optimizer holds"
    )


@pytest.mark.parametrize(
    "given",
    [
        run(count=3),  # a part of it was replaced
        run(outside=0),
        run(norms=(3.0, 3.0)),
        run(norms=(3.0, 3.0, 3.1)),  # moved by hand
        run(norms=(float("nan"),) * 3),
        run(grad_norm=[1.0]),
        make_run(loss=[1.0] * 5),
    ],
)
def test_all_else_is_silent(given: RunView) -> None:
    assert found(given) == []


def test_gradients_that_came_later_are_silent() -> None:
    given = run()
    given.all_events.append(
        Event("without_gradient", 9, {"names": [], "count": 0, "of": 4}, training=0)
    )
    assert found(given) == []


def test_weights_changed_by_hand_have_no_optimizer() -> None:
    given = run()
    given.trainings[0].optimizer = ""
    assert found(given) == []
