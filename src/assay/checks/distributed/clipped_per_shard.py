"""The check `clipped-per-shard`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import CLIPPED_SHARD
from ...journal.view import RunView
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where


class ClippedPerShard(Check):
    """Each rank clips by the norm of its own shard: every shard is scaled by another factor.

    ## What it does
    Looks whether `torch.nn.utils.clip_grad_norm_` was given parameters of which
    FullyShardedDataParallel has left a part on each rank.

    ## Why it matters
    The norm of a shard is smaller than that of the whole gradient, and another one on each rank.
    Too little is clipped, and the clipped gradient points another way than the gradient.

    ## Evidence
    Exact: what was clipped were shards that are plain tensors, which know nothing of the others.

    ## Known exceptions
    Silent: `fully_shard` (FSDP2), whose shards are DTensors and have the norm of the whole; the
    method of FullyShardedDataParallel; `ShardingStrategy.NO_SHARD`.

    ## Example
    `torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)`, where `model` is a
    FullyShardedDataParallel.

    ## What to try
    `model.clip_grad_norm_(1.0)`, the method of FullyShardedDataParallel; or `fully_shard`.

    ## References
    PyTorch documentation, `FullyShardedDataParallel.clip_grad_norm_`.
    """

    name = "clipped-per-shard"
    family = "distributed"
    severity = "error"
    tier = "exact"
    by_hand = "the call has to be written otherwise"
    needs = ("sharded",)
    reads = ("sharded", "clipped_shard")
    limits = {"shards": Limit(1, "shards", "definition: each has a norm of its own")}

    def review(self, run: RunView) -> Iterator[Finding]:
        events = [e for e in run.events(CLIPPED_SHARD) if e.data["count"] >= self.limit("shards")]
        if not events:
            return
        first, data = events[0], events[0].data
        known = sorted({event.data["norm"] for event in events if event.data["norm"] is not None})
        norms = f": {known[0]:.3g} on one, {known[-1]:.3g} on another" if known[1:] else ""
        yield self.found(
            f"{data['count']} of {data['of']} parameters were clipped by the norm of the part that "
            f"each rank holds{norms}",
            "each part of the gradient is scaled by another factor, and most by too little",
            try_=("call the model's own method: model.clip_grad_norm_(...)",),
            where=Where(site=first.site),
            steps=(first.step, first.step),
            evidence=(Evidence("clipped_shard", data["count"], 0, "shards"),),
            process=first.process,
            processes=tuple(sorted({event.process for event in events})),
        )
