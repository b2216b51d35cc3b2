"""Unit tests of `straggler`, on invented runs."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checks.distributed.straggler import Straggler
from assay.checks.finding import Finding
from assay.journal.view import Event, Site, Training
from assay.testing import make_run, make_training

CHECK = Straggler()
LINE = Site("train.py", 20)
STEPS = 20


def found(
    *waits: list[float] | float, backward: tuple[float, ...] = (), step_s: float = 0.1, **more: Any
) -> list[Finding]:
    """What is said of ranks with these waits for data and these times of backward passes."""
    trainings: list[Training] = []
    events: list[Event[Any]] = []
    for n, wait in enumerate(waits):
        given = {"backward_s": [backward[n]] * STEPS} if backward else {}
        given |= {name: [value[n]] * STEPS for name, value in more.items()}
        training = make_training(
            index=n, process=n, steps=STEPS, grad_norm={"0.weight": [1.0] * STEPS},
            grad_fingerprint=[float(i) for i in range(STEPS)],
            data_wait_s=wait if isinstance(wait, list) else [wait] * STEPS,
            time_s={0: 5.0, 10: 5.0 + 10 * step_s, 20: 5.0 + 20 * step_s}, **given,
        )  # fmt: skip
        training.rank = n
        trainings.append(training)
        ddp = {"cls": "Net", "world": len(waits), "hook": None, "built": None, "joined": False}
        events.append(Event("replicated", 0, ddp, training=n, process=n))
        events.append(Event("loader", 0, {"grad": True}, LINE, process=n))
    run = make_run(*trainings, events=events, facts={"world": len(waits)})
    assert CHECK.why_skipped(run) is None
    return list(CHECK.review(run))


def test_one_that_waits_for_its_data() -> None:
    (finding,) = found(0.0, 0.06, 0.01, backward=(0.08, 0.02, 0.07))
    assert finding.summary == (
        "rank 1 needed 55 ms more than the others in each step of 100 ms (medians of 20 steps), "
        "the largest part of it waiting for its DataLoader"
    )
    assert finding.where.site == LINE


def test_the_part_that_takes_longest() -> None:
    (finding,) = found(
        0.01, 0.0, backward=(0.02, 0.08), forward_s=(0.01, 0.01), elsewhere_s=(0.06, 0.01)
    )
    assert "rank 0 needed 60 ms more" in finding.summary
    assert "the largest part of it between its parts" in finding.summary


@pytest.mark.parametrize(
    ("waits", "given"),
    [
        ((0.0, 0.019), {"step_s": 0.05}),  # too little to matter
        ((0.0, 0.05), {"step_s": 0.3}),  # of a step that takes long all the same
        ((0.0, 0.05), {"backward": (0.02, 0.02)}),  # nobody waits for it
        (([0.0, 0.05] * 10, [0.05, 0.0] * 10), {}),  # in turn
        (([0.0] * 20, [0.05] * 15 + [-0.01] * 5), {}),  # less often than four of five times
        (([0.0] * 15, [0.05] * 15), {}),  # too few
    ],
)
def test_right_ones_are_silent(waits: tuple[Any, ...], given: dict[str, Any]) -> None:
    assert found(*waits, **given) == []
