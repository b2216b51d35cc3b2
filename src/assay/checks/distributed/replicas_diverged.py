"""The check `replicas-diverged`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.series import Series
from ...journal.view import RunView, Site
from ...signals.ranks import Ranks, named, side_by_side, wrapped
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Where
from ..requirements import That
from ._side_by_side import gradients_alike, not_compared


class ReplicasDiverged(Check):
    """Ranks that began with the same weights and share their gradients no longer agree.

    ## What it does
    On sampled steps each rank writes a number for the bits of all weights before the step, and one
    for the bits of the gradient. They are compared where DistributedDataParallel keeps the model
    alike, or where the ranks have used the same gradient bit for bit, however that was brought
    about. Nothing is sent between ranks for it.

    ## Why it matters
    Averaged gradients are right for one set of weights. Once each rank has its own, every gradient
    is that of another model, the ranks drift apart, and the checkpoint of rank 0 is one of several.

    ## Evidence
    Exact: the bits of the weights differ between ranks at a step, and were the same before, or
    were made so by DistributedDataParallel. Parameters are named whose norms differ.

    ## Known exceptions
    Sharded weights, local steps with an average now and then (their gradients differ on purpose),
    a communication hook of the script's own, processes that train apart. Weights that differ from
    the first step on and are in no wrapper: that is `initial-weights-differ`.

    ## Example
    `scheduler.step(validation_loss)` with each rank's own loss: the rates of the ranks part.

    ## What to try
    Let all ranks decide alike: average what they decide by, before they use it. Change weights,
    rates and gradients after `backward()` on all ranks in the same way.

    ## References
    Li et al.: PyTorch Distributed: Experiences on Accelerating Data Parallel Training, 2020.
    """

    name = "replicas-diverged"
    family = "distributed"
    severity = "error"
    tier = "exact"
    by_hand = "what one rank does otherwise than the others stands in the script"
    needs = ("grad_fingerprint", "weight_fingerprint")
    reads = (
        "grad_fingerprint",
        "weight_fingerprint",
        "weight_norm",
        "grad_norm",
        "learning_rate",
        "replicated",
    )
    requires = (That(not_compared),)
    is_effect = (Effect.RANKS_APART,)
    limits = {"steps": Limit(2, "steps", "definition: one to be alike, and one to differ")}

    def review(self, run: RunView) -> Iterator[Finding]:
        for ranks in side_by_side(run):
            weights = ranks.common("weight_fingerprint")
            apart = next((place for place in weights if len(set(place[1])) > 1), None)
            wrapper = wrapped(run, ranks)
            if apart is None or len(weights) < self.limit("steps"):
                continue
            step, values = apart
            first = weights[0][0]
            if wrapper is None and (step == first or not gradients_alike(ranks)):
                continue
            since = max((s for s, _ in weights if s < step), default=0)
            others = ranks.differing(values)
            rates = _rates(ranks, step)
            yield self.found(
                f"before step {step:,} the weights of {named(others)} were others than those of "
                f"rank {ranks.first.rank}{_which(ranks.parameters_apart(step))}; "
                + (f"at step {since:,} they were the same" if step > first else "as at no step")
                + _reason(ranks, rates, step),
                "the average of gradients of different weights is the gradient of none of them, "
                "and what rank 0 saves is one model of several",
                try_=(
                    ("step the scheduler with a number that all ranks share",)
                    if rates
                    else ("do after backward() the same on all ranks",)
                ),
                where=Where(site=_scheduled(run, others) if rates else ranks.first.step_site),
                steps=(step, weights[-1][0]),
                began=(since, step),
                evidence=(Evidence("weight_fingerprint", len(set(values)), 1, "different ones"),),
                training=ranks.first,
                processes=ranks.processes,
            )


def _which(parameters: list[str]) -> str:
    if not parameters:
        return ""
    more = f" and {len(parameters) - 1} more" if len(parameters) > 1 else ""
    return f" ({parameters[0]}{more})"


def _rates(ranks: Ranks, step: int) -> list[tuple[int, float]]:
    """Returns each rank with its rate in the step before, where they differ."""
    rates = [
        (t.rank, _latest(t.series("learning_rate", "group 0"), step - 1)) for t in ranks.trainings
    ]
    known = {rate for _, rate in rates if rate == rate}
    return rates if len(known) > 1 else []


def _latest(series: Series, step: int) -> float:
    before = [value for at, value in series if at <= step]
    return before[-1] if before else float("nan")


def _reason(ranks: Ranks, rates: list[tuple[int, float]], step: int) -> str:
    """Returns what differed in the steps before, in a clause that begins with a comma."""
    if rates:
        (low, slow), *_, (high, fast) = sorted(rates, key=lambda pair: pair[1])
        return f", but rank {low} stepped at a rate of {slow:.3g} and rank {high} at {fast:.3g}"
    alike = ranks.alike("grad_fingerprint")
    before = [same for at, same in alike.items() if at < step]
    if before and not before[-1]:
        return ", but the gradients that the ranks used in it were not"
    return ""


def _scheduled(run: RunView, ranks: tuple[int, ...]) -> Site | None:
    """Returns the line that steps the scheduler of these ranks."""
    lines = (line for s in run.schedulers if s.rank in ranks for line in s.lines)
    return next((line.site for line in lines), None)
