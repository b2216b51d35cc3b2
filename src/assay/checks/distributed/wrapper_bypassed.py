"""The check `wrapper-bypassed`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import BYPASSED
from ...journal.view import RunView
from ...signals.ranks import side_by_side
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Where
from ..requirements import That
from ._side_by_side import not_compared


class WrapperBypassed(Check):
    """The model inside DistributedDataParallel was trained past its wrapper: nothing is averaged.

    ## What it does
    Notes, on sampled steps, whether the model that was called with gradients on is the wrapper or
    the module inside it, and compares the gradients that the ranks used, bit for bit.

    ## Why it matters
    The wrapper prepares the average of the gradients in its own `forward`. A call of the module
    inside leaves each rank with the gradient of its own batch, and each trains a model of its own.

    ## Evidence
    Exact: a step was taken on calls of the inner model alone, and the gradients of the ranks
    differed.

    ## Known exceptions
    Calls of the inner model in an evaluation, without gradients, or in a step in which the script
    averages the gradients itself: there the ranks use the same gradient.

    ## Example
    `loss = criterion(ddp.module(x), y)`.

    ## What to try
    Call the wrapper: `ddp(x)`. Methods of the model other than `forward` have to be called within
    its `forward`.

    ## References
    PyTorch documentation, `DistributedDataParallel`: "backward passes work only with calls of its
    own forward".
    """

    name = "wrapper-bypassed"
    family = "distributed"
    severity = "error"
    tier = "exact"
    by_hand = "the call has to be written otherwise"
    needs = ("grad_fingerprint", "replicated")
    reads = ("grad_fingerprint", "grad_norm", "replicated", "bypassed")
    requires = (That(not_compared),)
    leads_to = {Effect.RANKS_APART: "each rank steps along the gradient of its own batch"}
    limits = {"steps": Limit(1, "steps", "definition: one step apart is enough")}

    def review(self, run: RunView) -> Iterator[Finding]:
        events = [event for event in run.events(BYPASSED) if event.training is not None]
        for ranks in side_by_side(run):
            indices = {training.index for training in ranks.trainings}
            own = [event for event in events if event.training in indices]
            past = {event.step for event in own}
            alike = ranks.alike("grad_fingerprint")
            apart = sorted(step for step in past if not alike.get(step, True))
            if len(apart) < self.limit("steps"):
                continue
            yield self.found(
                f"in {len(apart)} of the {len(alike)} steps that were compared "
                f"{own[0].data['cls']} was called in place of the DistributedDataParallel around "
                "it, and each rank used the gradient of its own batch",
                "gradients are averaged only if the wrapper itself was called",
                try_=("call the wrapper, not the module inside it",),
                where=Where(site=own[0].site),
                steps=(apart[0], apart[-1]),
                evidence=(Evidence("bypassed", len(apart), 0, "steps"),),
                training=ranks.first,
                processes=ranks.processes,
            )
