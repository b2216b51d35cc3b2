"""The check `clipping-after-step`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import CLIPPING, Clipping
from ...journal.view import Event, RunView
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where


class ClippingAfterStep(Check):
    """Gradients are clipped when the step has used them already, or before there are any.

    ## What it does
    Looks, at each call of `clip_grad_norm_` and `clip_grad_value_` in a sampled iteration, whether
    its gradients are the ones that an optimizer has just used, unchanged since, or whether there
    are none at all. Reported if each of the first 8 calls of a line was so, and no other line
    clips gradients that are still to be used.

    ## Why it matters
    The call has no effect: every step is taken on gradients that nobody clipped.

    ## Evidence
    Exact. `calls`: how many were looked at. A note where none of those gradients was above the
    limit, since the run would have been the same.

    ## Known exceptions
    Silent: an infinite limit, which only measures the norm; a script that also clips before the
    step; gradients that a backward pass or the script wrote into since the step; fewer than 8
    calls.

    ## Example
    `optimizer.step()` and then `clip_grad_norm_(model.parameters(), 1.0)`.

    ## What to try
    Call it between `loss.backward()` and `optimizer.step()`.

    ## References
    Pascanu et al.: On the Difficulty of Training Recurrent Neural Networks, 2013, algorithm 1.
    """

    name = "clipping-after-step"
    family = "optimizer"
    severity = "warning"
    tier = "exact"
    by_hand = "the script's own call has to move: a second one before the step leaves it there"
    needs = ("backward",)
    reads = ("backward", "clipping")
    limits = {
        "calls": Limit(8, "calls", "ours: all of them, so that no odd first step counts"),
        "infinite": Limit(1e6, "", "ours: such a limit clips nothing, it measures"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        lines: dict[tuple[object, int], list[Event[Clipping]]] = {}
        for event in run.events(CLIPPING):
            if float(event.data["limit"]) < self.limit("infinite"):
                lines.setdefault((event.site, event.process), []).append(event)
        if any(_in_time(events[-1].data) for events in lines.values()):
            return
        for events in lines.values():
            reached = [e for e in events if e.data["calls"] >= self.limit("calls")]
            if not reached:
                continue
            last, empty = reached[-1], reached[-1].data["empty"]
            calls, limit = last.data["calls"], last.data["limit"]
            when = "before there was one" if empty > calls / 2 else "after the step had used it"
            unharmed = last.data["of"] == "norm" and not last.data["larger"]
            yield self.found(
                f"each of the {calls} calls looked at clipped a gradient {when}",
                "such a call changes no step: the gradients that are used are not clipped",
                try_=("clip between loss.backward() and optimizer.step()",),
                where=Where(site=last.site),
                steps=(events[0].step, last.step),
                evidence=(Evidence("clipping", calls, None, "calls"),),
                severity="note" if unharmed and not empty else None,
                process=last.process,
                limit=limit,
            )


def _in_time(counts: Clipping) -> bool:
    """Whether a line clips gradients that are still to be used."""
    return counts["calls"] != counts["used"] + counts["empty"]
