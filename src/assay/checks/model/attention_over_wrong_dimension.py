"""The check `attention-over-wrong-dimension`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import ATTENTION_DIMENSION
from ...journal.view import RunView, Site
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where


class AttentionOverWrongDimension(Check):
    """The softmax of an attention goes over another dimension than its weights are summed over.

    ## What it does
    Follows the recorded operations from each softmax of scores (a product of queries and keys) to
    the product of its weights with values, and compares the dimension that is normalised with the
    one that this product sums over. A softmax over a dimension of size 1 is followed whatever its
    scores are made of, also to weights that are multiplied and summed.

    ## Why it matters
    The weights with which a query takes values do not make 1 together: one query may get many times
    of what there is and another nothing. Queries compete for a key, where keys should for a query.

    ## Evidence
    Exact: the two dimensions, read off the operations of the first steps.

    ## Known exceptions
    Silent: weights that are normalised again, as in slot attention; weights that a softmax over
    one dimension and another over the other make together; assignments that are no product of
    queries and keys (NetVLAD, DiffPool); the attention of torch.

    ## Example
    `F.softmax(q @ k.transpose(1, 2), dim=1) @ v`.

    ## What to try
    `softmax(dim=-1)`, if the product with values has the weights first.

    ## References
    Vaswani et al., Attention Is All You Need, 2017, section 3.2.1; Locatello et al., Object-Centric
    Learning with Slot Attention, 2020, for the one that competes for keys and normalises again.
    """

    name = "attention-over-wrong-dimension"
    family = "model"
    severity = "warning"
    tier = "exact"
    by_hand = "the dimension is written in the model's own code"
    needs = ("attention_summed_otherwise",)
    reads = ("attention_summed_otherwise", "attention_dimension")
    limits = {"attentions": Limit(0, "attentions", "definition: weights of a mean make 1 together")}

    def review(self, run: RunView) -> Iterator[Finding]:
        found = next(iter(run.events(ATTENTION_DIMENSION)), None)
        for training in run.trainings:
            series = training.series("attention_summed_otherwise").finite()
            if found is None or not len(series) or not max(series.values):
                continue
            count, shape = int(max(series.values)), found.data["shape"]
            alone = shape[found.data["dim"]] == 1
            some = f"{count} of the step's {found.data['of']} attentions by hand"
            yield self.found(
                f"the softmax of {some} goes over dimension {found.data['dim']} of weights of "
                f"shape {shape}, and the product with values sums over another one",
                "a softmax over one number gives 1 whatever it is, and no gradient: all values get "
                "the same weight, and what makes the scores learns nothing"
                if alone
                else "the weights of a query do not make 1 together: one may get many times of "
                "what there is, another nothing",
                try_=(
                    "softmax over the dimension that the weighted values are summed over"
                    if alone
                    else "softmax(dim=-1), if the weights come first in the product with values",
                ),
                where=Where(site=Site.read(found.data["line"])),
                steps=(series.steps[0], series.steps[-1]),
                evidence=(
                    Evidence("attention_summed_otherwise", count, self.limit("attentions"), ""),
                ),
                training=training,
                began=(0, 0),
            )
