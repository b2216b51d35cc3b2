"""The check `order-ignored`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import POSITIONS_WITHOUT_EFFECT
from ...journal.view import RunView, Site, Training
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Where
from ..requirements import Steps, That


def _was_measured(check: Check, run: RunView, training: Training) -> str | None:
    """Says that its sequences were not put in another order twice."""
    few = len(training.series("order_change").finite()) < check.limit("samples")
    return "its sequences were not put in another order twice" if few else None


class OrderIgnored(Check):
    """A model that has positions answers the same for any order of its sequence.

    ## What it does
    Where something in a model is called positions, assay computes the step again with the elements
    of each sequence in another order. If the answers stay what they were, or move along with their
    elements, positions have no influence.

    ## Why it matters
    To attention a sequence without positions is a bag of words: nothing that turns on order can be
    learnt.

    ## Evidence
    Probe. `order_change`: the change of the median answer over the spread of answers, in every
    measurement below the limit; rounding alone changes some 1e-6.

    ## Known exceptions
    Silent: models that have nothing called positions (sets, clouds of points, bags of words), and
    those whose samples are mixed: `samples-mixed` says where.

    ## Example
    `self.position = nn.Embedding(512, width)`, and a forward pass that encodes `self.words(ids)`
    alone; positions that are the same for all places.

    ## What to try
    Add the positions to the vectors of the words: one vector for each place in the sequence.

    ## References
    Vaswani et al., Attention Is All You Need, 2017, section 3.5.
    """

    name = "order-ignored"
    family = "model"
    severity = "warning"
    tier = "probe"
    by_hand = "positions are a part of the model's own code"
    needs = ("order_change",)
    reads = ("order_change", "sample_order_change", "positions_without_effect")
    requires = (Steps(), That(_was_measured))
    leads_to = {
        Effect.NOT_LEARNING: "what depends on order can't be learnt from a bag of elements",
        Effect.RATE_TOO_HIGH: "where nothing can be learnt, any step looks too long",
    }
    limits = {
        "steps": Limit(64, "steps", "ours: positions that begin at zero have moved by then"),
        "samples": Limit(2, "measurements", "ours"),
        "change": Limit(1e-4, "of the spread of answers", "ours: rounding is some 1e-6"),
        "mixed": Limit(0.02, "of the spread of answers", "as samples-mixed has it"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        """Yields a finding for each training in which no order ever mattered."""
        for training in self.judgeable(run):
            mixed = training.series("sample_order_change").finite()
            if len(mixed) and mixed.last > self.limit("mixed"):
                continue
            series = training.series("order_change").finite()
            change = max(series.values)
            if change > self.limit("change"):
                continue
            found = next(iter(run.events(POSITIONS_WITHOUT_EFFECT)), None)
            name = found.data["name"] if found is not None else ""
            module = run.module(name.rpartition(".")[0])
            line = Site.read(found.data["line"]) if found is not None else None
            if line is None and module is not None:
                line = module.site
            yield self.found(
                "answers are the same for any order of the elements of a sequence, though the "
                "model has positions",
                "what depends on the order of words, or of points in time, can't be learnt",
                try_=("add the positions, one for each place in the sequence",),
                where=Where(module=module.name if module else None, site=line),
                steps=(series.steps[0], series.steps[-1]),
                evidence=(Evidence("order_change", change, self.limit("change"), "of the spread"),),
                training=training,
                began=(0, 0),
            )
