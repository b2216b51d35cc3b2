"""The check `weights-not-finite`."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...journal.view import RunView, Training
from ...signals.nonfinite.told import mend, site, told
from ...signals.traced import tracing_of
from ..base import Check, Limit
from ..finding import Evidence, Finding, Remedy, Where

DEEPER = "assay check --deep names the operation that made it, in one more run"


class WeightsNotFinite(Check):
    """Weights became NaN or infinite, and the loss does not show it.

    ## What it does
    On sampled steps assay counts the elements of each weight that are not finite. A weight that was
    finite when it was first seen, and later is not, is reported where every loss of the training
    stayed finite; a loss that is NaN too is told of by `loss-not-finite`.

    ## Why it matters
    Rows or units are lost for good: no later step can take NaN out of a weight. The loss hides it
    where it leaves such samples out (`nanmean`, `nan_to_num`, `torch.where`) or meets those rows
    rarely, and what is learnt is learnt from ever fewer of them.

    ## Evidence
    Exact. The first sampled step at which a weight was not finite, and the share of its elements.
    Where that step was recorded, or traced by `--deep`, the operation that made the first value.

    ## Known exceptions
    Silent: weights that held infinities from the start, such as a mask of -inf that is kept as a
    parameter.

    ## Example
    `(a - b).square().sum(1).sqrt()` where a and b are the same row, and a `nanmean` behind it.

    ## What to try
    Mend the operation that is named. `nanmean` hides what is broken: leave those samples out before
    anything is computed from them.

    ## References
    IEEE 754. PyTorch documentation, `torch.nanmean`.
    """

    name = "weights-not-finite"
    family = "gradient"
    severity = "error"
    tier = "exact"
    needs = ("weight_nonfinite_share",)
    reads = ("weight_nonfinite_share", "loss", "nonfinite_traced")
    limits = {"share": Limit(0, "of elements", "definition: a weight is a number")}

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in run.trainings:
            if not all(math.isfinite(loss) for _, loss in training.series("loss")):
                continue
            broken = self._broken(training)
            if not broken:
                continue
            step, weight, share = min(broken)
            event = tracing_of(run, training, step)
            traced = None if event is None else event.data
            change = None if traced is None else mend(traced)
            origin = "" if traced is None else f"; {told(traced)}"
            line = None if traced is None else site(traced)
            part = f"{share:.2g} of " if share < 1 else "all of "
            more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
            yield self.found(
                f"{part}`{weight}`{more} was not finite at step {step}, while every loss "
                f"stayed finite{origin}",
                "no later step mends such a weight, and the loss does not show that it is lost",
                try_=(change or run.skipped.get("forensics", DEEPER),),
                where=Where(site=line or training.site, parameter=weight),
                steps=(step, training.steps - 1),
                evidence=(
                    Evidence("weight_nonfinite_share", share, self.limit("share"), place=weight),
                ),
                tricks=(Remedy("skip-non-finite"),),
                training=training,
            )

    def _broken(self, training: Training) -> list[tuple[int, str, float]]:
        """Returns step, name and share of each weight that was finite first, and later is not."""
        found = []
        for place in training.places("weight_nonfinite_share"):
            shares = training.series("weight_nonfinite_share", place)
            if len(shares) and shares.first <= self.limit("share"):
                worst = next(((s, v) for s, v in shares if v > self.limit("share")), None)
                if worst is not None:
                    found.append((worst[0], place, worst[1]))
        return found
