"""The check `probabilities-in-nll`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.view import RunView
from ...signals.domains import always, always_over_classes, calls, first_training, given, kinds
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where


class ProbabilitiesInNll(Check):
    """`nll_loss` is given probabilities where it wants their logarithms.

    ## What it does
    At each sampled call of `nll_loss` assay looks whether the input has no negative number and sums
    to 1 over its classes, and which operation made it. That at every call, or a sigmoid, is
    reported.

    ## Why it matters
    `nll_loss` takes no logarithm: it returns minus the number that stands at the right class. Of
    probabilities that lies between -1 and 0, is negative all the time, and has hardly a gradient
    where the model is wrong with confidence, which is where it should be steepest.

    ## Evidence
    Exact. `probability_dims` holds the dimension of classes at every sampled call:
    log-probabilities are never positive, and those of two classes never sum to 1.

    ## Known exceptions
    Silent: `log_softmax` outputs and logarithms of probabilities, other log densities, losses
    computed without gradients. A policy gradient that weighs probabilities by hand calls no loss
    function and is not seen.

    ## Example
    `F.nll_loss(torch.softmax(model(x), dim=1), y)`.

    ## What to try
    `F.log_softmax` in place of `softmax`; or `F.cross_entropy` of the raw outputs.

    ## References
    PyTorch documentation, `torch.nn.NLLLoss`: "input is expected to contain log-probabilities".
    """

    name = "probabilities-in-nll"
    family = "loss"
    severity = "error"
    tier = "exact"
    by_hand = "a logarithm is missing in the model, or another loss was meant"
    needs = ("loss_given",)
    reads = ("loss_given", "probability_dims", "loss_input_min")
    limits = {
        "share": Limit(1.0, "of calls", "definition: the logarithm of a probability is negative"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for place, events in given(run, "nll_loss").items():
            first = events[0]
            rows = always_over_classes(run, first, "probability_dims")
            found = rows or always(run, "loss_input_min", place, lambda low: low >= 0)
            if not rows and not (found and kinds(events) == {"sigmoid"}):
                continue
            said = "each row of its input was non-negative and summed to 1" if rows else (
                "its input was the output of a sigmoid"
            )  # fmt: skip
            yield self.found(
                f"nll_loss was given probabilities: at {calls(len(found))} {said}",
                "nll_loss takes no logarithm itself: of probabilities it lies between -1 and 0 "
                "and has hardly a gradient where the model is confident and wrong",
                try_=("use log_softmax in place of softmax, or cross_entropy of the raw outputs",),
                where=Where(site=first.site),
                steps=(found[0][0], found[-1][0]),
                evidence=(Evidence("probability_dims", 1.0, self.limit("share"), "of calls"),),
                training=first_training(run, place, ("loss_input_min",)),
                process=first.process,
            )
