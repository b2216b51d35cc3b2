"""The check `probabilities-in-kl-div`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.view import RunView
from ...signals.domains import PROBABILITIES, always, calls, first_training, given, kinds
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where


class ProbabilitiesInKlDiv(Check):
    """`kl_div` is given probabilities where it wants their logarithms.

    ## What it does
    At each sampled call of `kl_div` assay looks whether its input has no negative number and sums
    to 1 over some dimension, and which operation made it; with `log_target=True` the same of its
    target. That at every call is reported.

    ## Why it matters
    `kl_div` computes `target * (log target - input)`. Of probabilities that is no divergence: it is
    not zero where the two agree, and its gradient `-target` does not depend on the prediction, so
    that every output is pushed up wherever the target has mass.

    ## Evidence
    Exact. `probability_dims` (of the target: `target_probability_dims`) is not 0 at any sampled
    call; or a softmax or sigmoid made the input at each.

    ## Known exceptions
    Silent: probabilities as the *target*, which is what `kl_div` wants by default; inputs that are
    logarithms of anything.

    ## Example
    `F.kl_div(F.softmax(student, dim=1), F.softmax(teacher, dim=1))`.

    ## What to try
    `F.log_softmax` for the input, `softmax` for the target, `reduction="batchmean"`. The prediction
    comes first. With `log_target=True` both are logarithms.

    ## References
    PyTorch documentation, `torch.nn.KLDivLoss`: "this loss expects the argument input in the
    log-space".
    """

    name = "probabilities-in-kl-div"
    family = "loss"
    severity = "error"
    tier = "exact"
    by_hand = "which of the two arguments is the prediction is the script's to say"
    needs = ("loss_given",)
    reads = ("loss_given", "probability_dims", "target_probability_dims", "loss_input_min")
    limits = {
        "share": Limit(1.0, "of calls", "definition: the logarithm of a probability is negative"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for place, events in given(run, "kl_div").items():
            first, signal, side = events[0], "probability_dims", "input"
            said = "was non-negative and summed to 1"
            found = always(run, signal, place, lambda dims: dims > 0)
            if not found and kinds(events) <= set(PROBABILITIES):
                found = always(run, "loss_input_min", place, lambda low: low >= 0)
                said = f"was the output of a {first.data['made_by']}"
            if not found and all(event.data["setting"] for event in events):
                signal, side = "target_probability_dims", "target (log_target=True)"
                said = "was non-negative and summed to 1"
                found = always(run, signal, place, lambda dims: dims > 0)
            if not found:
                continue
            yield self.found(
                f"kl_div was given probabilities: at {calls(len(found))} its {side} {said}",
                "kl_div takes no logarithm of it: what it computes is not zero where the two agree "
                "and its gradient does not depend on how far they are apart",
                try_=(
                    "give log_softmax as the input and softmax as the target; with log_target=True "
                    "log_softmax for both",
                ),
                where=Where(site=first.site),
                steps=(found[0][0], found[-1][0]),
                evidence=(Evidence(signal, 1.0, self.limit("share"), "of calls"),),
                training=first_training(run, place, ("loss_input_min",)),
                process=first.process,
            )
