"""The check `unused-parameters`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import UNREDUCED
from ...journal.view import RunView, Site
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where


class UnusedParameters(Check):
    """DistributedDataParallel waits for gradients of parameters that the loss does not depend on.

    ## What it does
    Looks, after a backward pass whose gradients a DistributedDataParallel averages, for parameters
    inside it that have no gradient, where it was not told to look for such by itself.

    ## Why it matters
    The wrapper sends gradients in buckets, each when all of its gradients are there. A bucket with
    an unused parameter is never sent: the other gradients in it stay each rank's own, and the next
    call of the wrapper raises "Expected to have finished reduction in the prior iteration".
    Where the parameter is unused on one rank alone, the others wait for it.

    ## Evidence
    Exact: parameters that train, without a gradient after the pass.

    ## Known exceptions
    `find_unused_parameters=True`, `static_graph=True`, frozen parameters.

    ## Example
    A model with a second head, of which the loss takes only the first one.

    ## What to try
    Take the layer out, or freeze it before the model is wrapped, if it is not to learn; let the
    loss depend on it, if it is; `find_unused_parameters=True`, if it is used in some batches only.

    ## References
    PyTorch documentation, `DistributedDataParallel`, argument `find_unused_parameters`; Li et al.:
    PyTorch Distributed, 2020, section 3.2.3.
    """

    name = "unused-parameters"
    family = "distributed"
    severity = "error"
    tier = "exact"
    by_hand = "whether a layer is to be used, frozen or left out is the model's to say"
    needs = ("reduced_passes",)
    reads = ("reduced_passes", "unreduced")
    limits = {"parameters": Limit(1, "parameters", "definition: the wrapper waits for each")}

    def review(self, run: RunView) -> Iterator[Finding]:
        events = [e for e in run.events(UNREDUCED) if e.data["count"] >= self.limit("parameters")]
        if not events:
            return
        event, data = events[0], events[0].data
        processes = tuple(sorted({e.process for e in events}))
        names, count = data["names"], data["count"]
        some = ", ".join(names[:3]) + (", ..." if count > 3 else "")
        alone = len(processes) < int(run.facts.get("world") or 1)
        yield self.found(
            f"{count} of the {data['of']} parameters that the DistributedDataParallel around "
            f"{data['cls']} waits for ({some}) had no gradient after backward()"
            + (", on some of the ranks" if alone else ""),
            "gradients that share a bucket with one that never comes are not averaged, and the "
            "next call of the wrapper fails",
            try_=(
                "leave out, or freeze before wrapping, what the loss does not depend on",
                "or pass find_unused_parameters=True, if it is used in some batches only",
            ),
            where=Where(site=Site.read(data["built"]), parameter=names[0]),
            steps=(event.step, event.step),
            evidence=(Evidence("unreduced", count, 0, "parameters"),),
            process=event.process,
            processes=processes,
        )
