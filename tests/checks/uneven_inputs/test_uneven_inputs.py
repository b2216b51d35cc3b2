"""Unit tests of `uneven-inputs`, on invented runs."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checks.distributed.uneven_inputs import UnevenInputs
from assay.checks.finding import Finding
from assay.journal.view import Event, Site
from assay.testing import make_run, make_training

CHECK = UnevenInputs()


LINE = Site("train.py", 20)


def found(
    draws: tuple[int, int], *, whole: bool = True, joined: bool = False, wrapper: bool = True
) -> list[Finding]:
    bits = [float(n) for n in range(10)]
    trainings = [
        make_training(
            index=n, process=n, steps=10, grad_norm={"0.weight": bits}, grad_fingerprint=bits
        )
        for n in (0, 1)
    ]
    events: list[Event[Any]] = []
    for n, training in enumerate(trainings):
        training.rank = n
        loader = {"number": 0, "grad": True, "batch_size": 16}
        epoch = {"loader": 0, "draws": draws[n], "whole": whole}
        ddp = {"cls": "Net", "world": 2, "hook": None, "built": None, "joined": joined}
        events.append(Event("loader", 0, loader, LINE, process=n))
        events.append(Event("epoch", 5, epoch, process=n))
        if wrapper:
            events.append(Event("replicated", 0, ddp, training=n, process=n))
    return list(CHECK.review(make_run(*trainings, events=events, facts={"world": 2})))


def test_one_batch_more() -> None:
    (finding,) = found((160, 161))
    assert finding.where.site == LINE
    assert finding.summary.startswith("an epoch had 10 batches on rank 0 and 11 on rank 1")
    (finding,) = found((200, 160))
    assert finding.summary.startswith("an epoch had 10 batches on rank 1 and 13 on rank 0")


@pytest.mark.parametrize(
    ("draws", "given"),
    [
        ((160, 160), {}),
        ((150, 160), {}),  # a smaller last batch
        ((160, 320), {"whole": False}),
        ((160, 320), {"joined": True}),
        ((160, 320), {"wrapper": False}),
    ],
)
def test_right_ones_are_silent(draws: tuple[int, int], given: dict[str, Any]) -> None:
    assert found(draws, **given) == []
