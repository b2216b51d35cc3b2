"""Unit tests of `clipped-per-shard`, on invented runs."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from assay.checks.distributed.clipped_per_shard import ClippedPerShard
from assay.checks.finding import Finding
from assay.journal.view import Event, Site
from assay.probes.distributed.shards import _is_flat_shard
from assay.testing import make_run

CHECK = ClippedPerShard()
LINE = Site("train.py", 20)


def found(*norms: float | None, count: int = 2) -> list[Finding]:
    events: list[Event[Any]] = [Event("sharded", 0, {})]
    for process, norm in enumerate(norms):
        data = {"count": count, "of": 2, "limit": 1.0, "norm": norm}
        events.append(Event("clipped_shard", 0, data, LINE, process=process))
    run = make_run(loss=[1.0] * 5, events=events)
    assert CHECK.why_skipped(run) is None
    return list(CHECK.review(run))


def test_two_norms() -> None:
    (finding,) = found(0.66, 0.2836)
    assert finding.where.site == LINE
    assert finding.processes == (0, 1)
    assert finding.summary == (
        "2 of 2 parameters were clipped by the norm of the part that each rank holds: 0.284 on "
        "one, 0.66 on another"
    )


@pytest.mark.parametrize("norms", [(None, None), (0.5, 0.5)])
def test_norms_that_are_not_known_or_the_same(norms: tuple[float | None, ...]) -> None:
    (finding,) = found(*norms)
    assert finding.summary.endswith("each rank holds")


def test_whole_ones() -> None:
    assert found() == []
    assert found(0.5, count=0) == []
    assert CHECK.why_skipped(make_run(loss=[1.0])) is not None


def test_what_a_shard_is() -> None:
    part = torch.nn.Parameter(torch.ones(5))
    assert not _is_flat_shard(part)
    part._unpadded_unsharded_size = torch.Size([10])  # type: ignore[attr-defined]
    assert _is_flat_shard(part)
    part._unpadded_unsharded_size = torch.Size([5])  # type: ignore[attr-defined]
    assert not _is_flat_shard(part), "with NO_SHARD each rank has it whole"
