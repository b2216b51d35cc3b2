"""The check `loss-sign-flipped`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

from ...journal.events import LOSS_RAISED
from ...journal.view import RunView, Site, Training
from ...signals.lines import place_site
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Where
from ..requirements import OneOptimizer, Samples


class LossSignFlipped(Check):
    """The optimizer is asked to raise the loss: what is minimised is its negative.

    ## What it does
    Assay follows what `backward()` is called on to the terms that it is a sum of: calls of loss
    functions, log-likelihoods of a softmax or a sigmoid, and squared errors that are written by
    hand. It reports a training whose only term enters with the wrong sign in every sampled step,
    and in which what was minimised fell.

    ## Why it matters
    Each step makes the model worse, as fast as it can. The number that is printed falls, which
    looks like learning.

    ## Evidence
    Exact: the signs on the way from the loss to what is minimised, in torch's own graph.

    ## Known exceptions
    Silent: losses of several terms, such as a penalty against a domain classifier; several
    optimizers (GANs); log-likelihoods with weights, since those may be returns or costs; densities,
    whose log-likelihood has no graph that is known here; losses that are lowered, whatever their
    value. To maximise a loss on purpose, as to forget samples, is reported: ignore it there.

    ## Example
    `loss = F.log_softmax(model(x), 1)[rows, y].mean()`, without the minus.

    ## What to try
    Put the minus where it belongs: a likelihood is raised by lowering its negative, and the losses
    of torch are lowered as they are.

    ## References
    Tobin et al.: Full Stack Deep Learning, "Troubleshooting": error goes up, flipped sign.
    """

    name = "loss-sign-flipped"
    family = "loss"
    severity = "error"
    tier = "exact"
    by_hand = "which sign was meant is the script's to say"
    needs = ("loss_sign",)
    reads = ("loss_sign", "loss_terms", "loss_raised", "loss_call", "loss")
    requires = (OneOptimizer(), Samples(("loss_sign",)))
    leads_to = (Effect.SATURATED, Effect.EXPLODING, Effect.NOT_FINITE)
    limits = {
        "samples": Limit(8, "samples", "ours: a sign is one in a run, not in a step"),
        "terms": Limit(1, "terms", "definition: of several, one may be meant to rise"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        raised = {event.data["place"]: event for event in run.events(LOSS_RAISED)}
        for training in self.judgeable(run):
            terms = training.series("loss_terms").values
            if not len(terms) or max(terms) > self.limit("terms") or not _fell(training):
                continue
            for place in training.places("loss_sign"):
                signs = training.series("loss_sign", place)
                if len(signs) < self.limit("samples") or max(signs.values) > 0:
                    continue
                event = raised.get(place)
                line = Site.read(event.data["line"]) if event is not None else None
                losses = training.series("loss").finite()
                yield self.found(
                    f"{_what(place)} at each of {len(signs)} sampled steps, and what is minimised "
                    f"went from {losses.first:.4g} to {losses.last:.4g}",
                    "each step makes the model worse, while the number that is minimised falls",
                    try_=(_advice(place),),
                    where=Where(site=line or place_site(run, place)),
                    steps=(signs.steps[0], signs.steps[-1]),
                    evidence=(Evidence("loss_sign", -1, 1, "sign", place),),
                    training=training,
                )


def _fell(training: Training) -> bool:
    """Whether what is minimised ended lower than it began."""
    values = training.series("loss").finite().values
    quarter = max(len(values) // 4, 1)
    return len(values) > 1 and fmean(values[-quarter:]) < values[0]


def _what(place: str) -> str:
    if place.startswith("log_likelihood"):
        at = place.removeprefix("log_likelihood")
        return f"the log-likelihood{at} was minimised, not its negative,"
    return f"{place.replace('squared_error', 'the squared error')} entered the loss with a minus"


def _advice(place: str) -> str:
    if place.startswith("log_likelihood"):
        return "minimise its negative: put a minus before it"
    return "take the minus away: this loss is lower where the model is better"
