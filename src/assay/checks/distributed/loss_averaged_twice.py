"""The check `loss-averaged-twice`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.view import RunView
from ...signals.ranks import Ranks, is_about, side_by_side, wrapped
from ..base import Check, Limit
from ..finding import Evidence, Finding, Remedy, Where
from ..requirements import That
from ._side_by_side import MOSTLY, not_compared


class LossAveragedTwice(Check):
    """Gradients that are averages over the ranks already are divided by their number once more.

    ## What it does
    On sampled steps each rank writes a weighted sum of its gradient as `backward()` left it, and as
    the optimizer used it. An average over the ranks is one over their number of the sum of those;
    if it is that divided by their number, somebody divided twice.

    ## Why it matters
    DistributedDataParallel divides by itself. Divided again, the step of SGD is as many times too
    short as there are ranks: the more machines, the slower it learns.

    ## Evidence
    Exact: the gradient that was used is the average divided by the number of ranks, to four digits,
    in nine of ten steps. A note where the optimizer is not SGD: for Adam and others the size of the
    gradient matters little.

    ## Known exceptions
    Steps of several backward passes, losses that a GradScaler scales, gradients that are clipped.
    A loss that is divided *before* its backward pass is not told from one with a factor of its own,
    such as half a squared error, and is left alone.

    ## Example
    `ddp(x)` and `backward()`, and then `p.grad /= dist.get_world_size()`.

    ## What to try
    Divide once: not at all with DistributedDataParallel.

    ## References
    PyTorch documentation, `DistributedDataParallel`: gradients are averaged over all processes.
    """

    name = "loss-averaged-twice"
    family = "distributed"
    severity = "warning"
    tier = "exact"
    needs = ("grad_sum", "local_grad_sum")
    reads = (
        "grad_sum",
        "local_grad_sum",
        "grad_norm",
        "backward_passes",
        "scaled_passes",
        "replicated",
    )
    requires = (That(not_compared),)
    limits = {"steps": Limit(3, "steps", "ours: one or two could be so by chance")}

    def review(self, run: RunView) -> Iterator[Finding]:
        for ranks in side_by_side(run):
            count, steps = len(ranks.trainings), self._twice(ranks)
            if not steps:
                continue
            by = "DistributedDataParallel" if wrapped(run, ranks) is not None else "the script"
            span = steps[0], steps[-1]
            yield self.found(
                f"{by} had averaged the gradients over {count} ranks, and they were divided by "
                f"{count} once more before the step",
                "the step of SGD is as many times too short as there are ranks",
                try_=(f"divide by {count}, the number of ranks, once",),
                where=Where(site=ranks.first.step_site),
                steps=span,
                evidence=(Evidence("grad_sum", 1 / count, 1, "of the mean", steps=span),),
                severity=None if ranks.first.optimizer == "SGD" else "note",
                tricks=(Remedy("lr", f"x{count}"),),
                training=ranks.first,
                processes=ranks.processes,
            )

    def _twice(self, ranks: Ranks) -> list[int]:
        """Returns the steps whose gradient was divided twice; empty where most were not."""
        parts = ranks.part_of_sum()
        twice = 1 / len(ranks.trainings) ** 2
        steps = [step for step, part in parts.items() if is_about(part, twice)]
        return steps if len(steps) >= max(self.limit("steps"), MOSTLY * len(parts)) else []
