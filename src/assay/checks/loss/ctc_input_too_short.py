"""The check `ctc-input-too-short`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

from ...journal.view import RunView
from ...signals.domains import first_training, given, samples
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Where


class CtcInputTooShort(Check):
    """`ctc_loss` is given targets that are longer than their input allows.

    ## What it does
    At each sampled call of `ctc_loss` assay compares the length of each input with that of its
    target, with one more for each label that stands twice in a row: a blank has to lie between. The
    share of samples that do not fit is reported.

    ## Why it matters
    Such a target has no alignment: its loss is infinite, and so is the mean of the batch. With
    `zero_infinity=True` its loss and gradient are 0, so that the sample is never learnt.

    ## Evidence
    Exact. `ctc_impossible`, the share of samples without an alignment. One is enough to make the
    loss infinite; with `zero_infinity` it is reported where most samples are lost.

    ## Known exceptions
    Silent: a minority of samples that do not fit, with `zero_infinity=True`, which is there for
    that; targets that fit exactly.

    ## Example
    A network that halves the frames three times, and lengths that were never divided by 8 or were
    rounded down; targets of a whole line of text for a picture of a few columns.

    ## What to try
    Fewer strides in time, or longer inputs; give `input_lengths` of what the network returns; leave
    out samples whose target does not fit.

    ## References
    Graves et al.: Connectionist Temporal Classification, ICML 2006; PyTorch documentation,
    `torch.nn.CTCLoss` (`zero_infinity`: "infinite losses mainly occur when the inputs are too short
    to be aligned to the targets").
    """

    name = "ctc-input-too-short"
    family = "loss"
    severity = "error"
    tier = "exact"
    by_hand = "the strides of the network, or the lengths of the data, are what does not fit"
    needs = ("ctc_impossible",)
    reads = ("loss_given", "ctc_impossible")
    leads_to = (Effect.NOT_FINITE,)
    limits = {
        "any": Limit(0.0, "of samples", "definition: one infinite term makes the mean infinite"),
        "most": Limit(0.5, "of samples", "definition: most; zero_infinity is there for a few"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for place, events in given(run, "ctc_loss").items():
            forgiven = all(event.data["setting"] for event in events)
            found = samples(run, "ctc_impossible", place)
            share = fmean(value for _, value in found) if found else 0.0
            limit = self.limit("most" if forgiven else "any")
            if not share > limit:
                continue
            bad = [step for step, value in found if value > 0]
            lost = (
                "with zero_infinity their loss and gradient are 0: they are never learnt"
                if forgiven
                else "they have no alignment: their loss is infinite, and so is the batch's"
            )
            yield self.found(
                f"{share:.1%} of the samples given to ctc_loss had a target longer than their "
                "input allows, counting a blank between equal labels",
                lost,
                try_=("lengthen the input (fewer strides in time), or leave such samples out",),
                where=Where(site=events[0].site),
                steps=(bad[0], bad[-1]),
                evidence=(Evidence("ctc_impossible", share, limit, "of samples"),),
                training=first_training(run, place, ("ctc_impossible",)),
                process=events[0].process,
            )
