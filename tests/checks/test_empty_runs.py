"""An empty run is no healthy one: a check says why it can't judge it."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checks.base import Check
from assay.checks.model.dead_units import DeadUnits
from assay.checks.model.eval_mode_in_training import EvalModeInTraining
from assay.checks.model.saturated_activation import SaturatedActivation
from assay.checks.model.symmetric_initialisation import SymmetricInitialisation
from assay.testing import make_run

LOSS: dict[str, Any] = {"loss": [1.0, 0.9]}


@pytest.mark.parametrize(
    ("check", "signals"),
    [
        (SymmetricInitialisation(), LOSS),
        (DeadUnits(), LOSS),
        (SaturatedActivation(), LOSS),
        (EvalModeInTraining(), LOSS),
    ],
    ids=lambda given: given.name if isinstance(given, Check) else "",
)
def test_an_empty_run_is_silent_and_says_why(check: Check, signals: dict[str, Any]) -> None:
    run = make_run(**signals)
    assert list(check.review(run)) == []
    assert check.why_skipped(run) is not None
