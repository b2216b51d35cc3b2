"""The check `residual-scaled-away`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import RESIDUAL_SCALED
from ...journal.view import RunView, Site
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where


class ResidualScaledAway(Check):
    """A residual block drops or shrinks its whole sum, the way past it too, and not its branch.

    ## What it does
    Finds the sums of residual blocks among the recorded operations, and what they are multiplied
    by: a constant, a weight, a random mask.

    ## Why it matters
    `x + f(x)` trains at any depth since `x` goes through unharmed. `drop_path(x + f(x))` sets a
    sample to zero for all that follows, and `0.1 * (x + f(x))` leaves a thousandth of it after
    three blocks.

    ## Evidence
    Exact, of the operations that were computed. `residual_factor`: the smallest factor, 0 for a
    mask.

    ## Known exceptions
    Silent: a branch that is scaled or dropped, `(x + f(x)) / sqrt(2)` and other factors above the
    limit, dropout of single elements, gates.

    ## Example
    `return self.drop_path(x + self.mlp(self.norm(x)))`.

    ## What to try
    `x + self.drop_path(self.mlp(self.norm(x)))`; the same for a layer scale.

    ## References
    Huang et al., Deep Networks with Stochastic Depth, 2016, equation 2. He et al., Identity
    Mappings in Deep Residual Networks, 2016, section 3.1 and table 1: constant scaling of the
    shortcut by 0.5 does not converge.
    """

    name = "residual-scaled-away"
    family = "model"
    severity = "warning"
    tier = "exact"
    by_hand = "the branch is written in the model's own code"
    needs = ("residual_factor",)
    reads = ("residual_factor", "residual_scaled")
    limits = {
        "factor": Limit(0.5, "", "He et al. 2016, table 1: a shortcut scaled by 0.5 fails"),
        "sums": Limit(2, "sums", "ours: a single one may be a last scaling of the answer"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        """Yields a finding for each training whose residual sums are made smaller."""
        for training in run.trainings:
            series = training.series("residual_factor").finite()
            factor = min(series.values, default=1.0)
            found = next(iter(run.events(RESIDUAL_SCALED)), None)
            if found is None or factor >= self.limit("factor"):
                continue
            masked = found.data["how"] == "a random mask"
            if not masked and found.data["count"] < self.limit("sums"):
                continue
            yield self.found(
                "the sum of a residual block was multiplied by "
                + ("a random mask of whole samples" if masked else f"{factor:.3g}"),
                "what goes past the branch is lost with it: nothing of it reaches later layers",
                try_=("drop or scale the branch alone: x + scale * f(x)",),
                where=Where(site=Site.read(found.data["line"])),
                steps=(series.steps[0], series.steps[-1]),
                evidence=(Evidence("residual_factor", factor, self.limit("factor"), ""),),
                training=training,
                began=(0, 0),
            )
