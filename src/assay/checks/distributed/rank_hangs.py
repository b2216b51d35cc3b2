"""The check `rank-hangs`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...journal.events import STANDING, Standing
from ...journal.view import Event, RunView
from ...signals.ranks import named
from ...signals.standing import listed, places
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where

WAITS = ("collective", "backward")


class RankHangs(Check):
    """Ranks wait for each other at different calls, and no step is taken any more.

    ## What it does
    Each rank looks twice a second whether it gets ahead. One that takes no step for five seconds,
    and for three times its longest pause between two steps so far, writes down the stack of its
    script. Nothing is asked of the others, and nothing is ended: `assay check` says after 20
    seconds where they stand, while the run goes on.

    ## Why it matters
    A collective (`all_reduce`, `barrier`, the average in `backward()`) needs all ranks at the same
    call. Where one has gone another way, all wait until a timeout of ten or thirty minutes ends
    them, and what that prints names the last call and not the first that differs.

    ## Evidence
    Probe: in a run that did not end well, every rank that had not ended stood at one place, one of
    them at least in a collective or a backward pass, none was at work, and none got ahead later.

    ## Known exceptions
    Ranks that wait for one that is at work (an evaluation, a checkpoint, a download): nothing is
    found, but `assay check` says where they stand. A rank that died: the report names it.

    ## Example
    `if rank == 0: dist.barrier()`.

    ## What to try
    Call collectives on all ranks, in the same order and equally often; nothing in a branch that
    depends on the rank, on the rank's own loss or on the length of its own data.

    ## References
    PyTorch documentation, `torch.distributed`: "Debugging torch.distributed applications".
    """

    name = "rank-hangs"
    family = "distributed"
    severity = "error"
    tier = "probe"
    by_hand = "which call one rank makes and another does not stands in the script"
    needs = ("joined",)
    reads = ("joined", "standing")
    limits = {"seconds": Limit(5.0, "s", "ours: after so long without a step ranks look")}

    def review(self, run: RunView) -> Iterator[Finding]:
        standing = [e for e in run.events(STANDING) if e.data["still_s"] >= self.limit("seconds")]
        gone = _ended(run, standing)
        waits = any(event.data["kind"] in WAITS for event in standing)
        if not waits or gone is None or not all(event.data["fixed"] for event in standing):
            return
        found = places(standing)
        long = max(event.data["still_s"] for event in standing)
        others = f"; {named(gone)} had ended" if gone else ""
        finding = self.found(
            f"no rank took a step for {long:.0f} s and more: {listed(found)}{others}",
            "each of these calls needs all ranks, and they had not come to the same one"
            if len(found) > 1 or gone
            else "the call needs all ranks, and what they sent did not come through, or was none "
            "of the same call",
            try_=(
                "call each collective on all ranks, in the same order and equally often: in no "
                "branch that depends on the rank or on its own data",
            ),
            where=Where(site=found[0].site),
            steps=(found[0].step, found[0].step),
            evidence=(Evidence("standing", long, self.limit("seconds"), "s"),),
            process=standing[0].process,
            processes=tuple(sorted({event.process for event in standing})),
        )
        sites = dict.fromkeys(place.site for place in found[1:] if place.site is not None)
        yield replace(finding, also=tuple(site for site in sites if site != found[0].site))


def _ended(run: RunView, standing: list[Event[Standing]]) -> tuple[int, ...] | None:
    """Returns the ranks that had ended while others stood; None where these did not hang.

    They did not where the run ended well, and where a rank died or still got ahead.
    """
    facts = run.facts
    failed = {death.rank for death in facts.get("deaths") or ()}
    if not (failed or facts.get("exit_code") or facts.get("signal")):
        return None
    still = {event.data["rank"] for event in standing}
    world = max(event.data["world"] for event in standing) if standing else 0
    ended = {p["rank"] for p in facts.get("processes") or () if p.get("ended")}
    others = set(range(world)) - still
    return None if others & failed or others - ended else tuple(sorted(others))
