"""Unit tests of `batchnorm-not-synchronised`, on invented runs."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checks.distributed.batchnorm_not_synchronised import BatchnormNotSynchronised
from assay.checks.finding import Finding
from assay.checks.model.batchnorm_tiny_batch import BatchnormTinyBatch
from assay.journal.view import Event, Module, Site
from assay.testing import make_run, make_training

CHECK = BatchnormNotSynchronised()


def found(
    *values: float, offset: float = 0.5, wrapper: bool = True
) -> tuple[list[Finding], list[Finding]]:
    """What this check and `batchnorm-tiny-batch` say of ranks with so many samples each."""
    trainings = []
    events: list[Event[Any]] = []
    for n, value in enumerate(values):
        training = make_training(
            index=n, process=n, grad_norm={"0.weight": [1.0] * 5},
            norm_rows={"bn": [value] * 5}, norm_values={"bn": [value] * 5},
            norm_offset={"bn": [offset] * 5},
        )  # fmt: skip
        training.rank = n
        trainings.append(training)
        ddp = {"cls": "Net", "world": len(values), "hook": None, "built": None, "joined": False}
        events += [Event("replicated", 0, ddp, training=n, process=n)] * wrapper
    modules = [Module("bn", "BatchNorm1d", site=Site("net.py", 4))]
    run = make_run(*trainings, events=events, modules=modules, facts={"world": len(values)})
    return list(CHECK.review(run)), list(BatchnormTinyBatch().review(run))


def test_three_of_six() -> None:
    (finding,), others = found(3, 3)
    assert not others
    assert finding.where.site == Site("net.py", 4)
    assert finding.summary == (
        "each of 2 ranks normalised BatchNorm1d bn by 3 values of its own, of 6 that they have "
        "together: the mean of a batch lay 0.5 deviations from that of the others"
    )


@pytest.mark.parametrize(
    ("values", "given", "tiny"),
    [
        ((2, 2), {}, True),  # tiny together, too
        ((3, 3), {"wrapper": False}, True),  # nobody keeps them together
        ((3, 16), {}, False),
        ((16, 16), {}, False),
        ((3, 3), {"offset": 0.39}, False),
    ],
)
def test_others_are_silent(values: tuple[float, ...], given: dict[str, Any], tiny: bool) -> None:
    mine, others = found(*values, **given)
    assert mine == []
    assert bool(others) is tiny
