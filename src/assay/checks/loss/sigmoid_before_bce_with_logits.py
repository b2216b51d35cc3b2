"""The check `sigmoid-before-bce-with-logits`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.view import RunView
from ...signals.domains import PROBABILITIES, given, kinds
from ..base import Check, Limit
from ..finding import Evidence, Finding, Remedy, Where

LOSSES = ("binary_cross_entropy_with_logits", "multilabel_soft_margin_loss", "soft_margin_loss")


class SigmoidBeforeBceWithLogits(Check):
    """A binary loss of logits is given probabilities: its sigmoid is the second one.

    ## What it does
    At each sampled call of `binary_cross_entropy_with_logits`, `multilabel_soft_margin_loss` or
    `soft_margin_loss` assay looks in torch's own graph for the operation that made the input. A
    sigmoid or softmax at every call is reported.

    ## Why it matters
    A sigmoid of numbers from 0 to 1 lies between 0.5 and 0.73. No sample can be called negative
    with confidence, the loss of a negative one can't fall below log 2 = 0.69, and gradients shrink.

    ## Evidence
    Exact. `loss_given`: the operation that made the input, seen through views, clamps and pooling.
    The range of the values proves nothing, and is not looked at.

    ## Known exceptions
    Silent: logits that happen to lie between 0 and 1, as those of a head that starts at zero; a
    sigmoid that is scaled or shifted afterwards; probabilities as *targets*, as in distillation;
    losses computed without gradients, as a metric.

    ## Example
    `nn.BCEWithLogitsLoss()(torch.sigmoid(model(x)), y)`, or a model that ends in `nn.Sigmoid`.

    ## What to try
    Give the loss the raw outputs; apply the sigmoid only where probabilities are read. Or keep the
    sigmoid and use `nn.BCELoss`, which is less exact for confident predictions.

    ## References
    PyTorch documentation, `torch.nn.BCEWithLogitsLoss`.
    """

    name = "sigmoid-before-bce-with-logits"
    family = "loss"
    severity = "error"
    tier = "exact"
    needs = ("loss_given",)
    reads = ("loss_given",)
    limits = {
        "ways": Limit(1, "kinds of input", "definition: no call of a logit loss wants a sigmoid's"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for events in given(run, *LOSSES).values():
            made = kinds(events)
            if len(made) > self.limit("ways") or not made <= set(PROBABILITIES):
                continue
            first, squash = events[0], made.pop()
            fn = first.data["fn"]
            yield self.found(
                f"{fn} was given probabilities: its input was the output of a {squash}",
                f"{fn} squashes its input itself; squashed twice, no prediction can be confident",
                try_=(f"remove the {squash} before {fn}; keep it where probabilities are read",),
                where=Where(site=first.site),
                steps=(first.step, first.step),
                evidence=(Evidence("loss_given", 1, self.limit("ways"), "kinds of input"),),
                tricks=(Remedy("logits"),),
                process=first.process,
            )
