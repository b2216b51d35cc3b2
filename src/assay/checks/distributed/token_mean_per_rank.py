"""The check `token-mean-per-rank`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from ...journal.events import LOSS_CALL, LossCall
from ...journal.view import Event, RunView
from ...signals.ranks import Ranks, named, side_by_side, wrapped
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where
from ..requirements import That
from ._side_by_side import gradients_alike, not_compared


class TokenMeanPerRank(Check):
    """Ranks with few targets count as much as ranks with many: their means are averaged as equal.

    ## What it does
    Counts, on sampled steps, the targets that each rank's loss of classes is a mean over, those to
    be ignored (padding) left out, where the ranks' gradients are averaged.

    ## Why it matters
    A mean of means is the mean of all only where each is over as many. Where one rank has 100
    tokens and another 300, each token of the first counts three times as much: short texts are
    learnt at the cost of long ones, and the loss is another one than on one device.

    ## Evidence
    Exact: the loss that went into backward() was a mean over the rank's own targets, and by the
    median of the steps one rank had twice as many of them as another.

    ## Known exceptions
    Silent: a loss that is scaled before its backward pass, or is a sum; ranks that have more
    targets in turn, if those of a step differ by less.

    ## Example
    `F.cross_entropy(logits, targets, ignore_index=-100)` under DistributedDataParallel, with texts
    of unequal length.

    ## What to try
    `F.cross_entropy(..., reduction="sum") * world_size / count`, with the count of all ranks
    (`dist.all_reduce(count)`); or batches of about as many tokens on each rank.

    ## References
    Hugging Face: Fixing Gradient Accumulation, 2024, and `average_tokens_across_devices` of its
    Trainer.
    """

    name = "token-mean-per-rank"
    family = "distributed"
    severity = "warning"
    tier = "exact"
    by_hand = "over what the loss is a mean is the script's to say"
    needs = ("target_counted", "grad_fingerprint")
    reads = (
        "target_counted",
        "grad_fingerprint",
        "grad_norm",
        "replicated",
        "mean_loss_passes",
        "backward_passes",
        "loss_call",
    )
    requires = (That(not_compared),)
    limits = {
        "times": Limit(2.0, "times", "ours: two halves, of what are a third and two thirds"),
        "steps": Limit(4, "steps", "ours: one or two could be so by chance"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for ranks in side_by_side(run):
            if wrapped(run, ranks) is None and not gradients_alike(ranks):
                continue
            for call in run.events(LOSS_CALL):
                if call.process == ranks.first.process and call.data.get("in_graph", True):
                    yield from self._of_call(ranks, call)

    def _of_call(self, ranks: Ranks, call: Event[LossCall]) -> Iterator[Finding]:
        place = call.data["place"]
        rows = [
            (step, row)
            for step, row in ranks.common("target_counted", place)
            if min(row) > 0 and _of_means(ranks, step)
        ]
        if len(rows) < self.limit("steps"):
            return
        times = median(max(row) / min(row) for _, row in rows)
        if times < self.limit("times"):
            return
        usual = [median(row[n] for _, row in rows) for n in range(len(ranks.trainings))]
        few, many = usual.index(min(usual)), usual.index(max(usual))
        few_rank, many_rank = ranks.trainings[few].rank, ranks.trainings[many].rank
        yield self.found(
            f"the loss of each rank was the mean over its own targets, of which one rank had "
            f"{times:.3g} times as many as another (median of {len(rows)} steps; "
            f"{named([few_rank])} {usual[few]:.0f}, {named([many_rank])} {usual[many]:.0f}), and "
            "the ranks were averaged as equal",
            f"a target of a rank that has few counts {times:.3g} times as much as one of a rank "
            "that has many",
            try_=('take reduction="sum", times the number of ranks, over the count of all ranks',),
            where=Where(site=call.site),
            steps=(rows[0][0], rows[-1][0]),
            evidence=(
                Evidence("target_counted", times, self.limit("times"), "times as many", place),
            ),
            training=ranks.first,
            processes=ranks.processes,
        )


def _of_means(ranks: Ranks, step: int) -> bool:
    """Whether all that went backward in this step was a loss function's own mean."""
    return all(
        t.series("mean_loss_passes").at(step) == t.series("backward_passes").at(step)
        for t in ranks.trainings
    )
