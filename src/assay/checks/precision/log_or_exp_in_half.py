"""The check `log-or-exp-in-half`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import HALF_RANGE
from ...journal.view import RunView, Site
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where


class LogOrExpInHalf(Check):
    """A logarithm or an exponential is computed in half precision, and is infinite.

    ## What it does
    Walks the graph of the first losses that are NaN or infinite, in the order of the forward pass.
    Reported if what is infinite first is a logarithm that was given 0 in float16 or bfloat16, or an
    exponential that is infinite in float16, and all weights are finite.

    ## Why it matters
    float16 rounds everything below 3e-8 to 0, an added 1e-8 as well, and the exponential of 11.1 is
    beyond its largest number. Times 0, or minus itself, infinity is NaN.

    ## Evidence
    Exact. `half_range`: the share of what it was given, or gave back, that is out of range.

    ## Known exceptions
    Silent: float32, whatever it gives; logarithms of negative numbers, which no precision helps;
    weights that were not finite before. Not judged: losses on an accelerator, whose values are not
    known without waiting, and checkpointed graphs.

    ## Example
    `torch.log(probabilities + 1e-8)` of a softmax in float16.

    ## What to try
    `log_softmax`, `logsigmoid` or `logsumexp` of the scores, in float32: `scores.float()`.

    ## References
    IEEE 754-2008 (binary16); PyTorch documentation, "Automatic Mixed Precision package": ops that
    autocast to float32.
    """

    name = "log-or-exp-in-half"
    family = "precision"
    severity = "error"
    tier = "exact"
    needs = ("loss",)
    reads = ("loss", "half_range")
    leads_to = (Effect.NOT_FINITE,)
    limits = {
        "smallest": Limit(2.0**-24, "", "IEEE 754-2008: the smallest number of binary16 above 0"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for event in run.events(HALF_RANGE):
            kind, dtype, share = event.data["kind"], event.data["dtype"], event.data["share"]
            if kind not in ("log", "exp"):
                continue
            below = f", which below {self.limit('smallest'):.0e} is all 0"
            what = (
                f"`{event.data['op']}` was given {share:.2%} zeros at step {event.step}, in {dtype}"
                + (below if dtype == "float16" else "")
                if kind == "log"
                else f"{share:.2%} of the result of `{event.data['op']}` was infinite at step "
                f"{event.step}, in {dtype}"
            )
            training = next((t for t in run.trainings if t.index == event.training), None)
            yield self.found(
                what,
                "half precision has no number for it, and what is infinite becomes NaN",
                try_=("log_softmax, logsigmoid or logsumexp of scores in float32",),
                where=Where(site=Site.read(event.data["line"]) or event.site),
                steps=(event.step, event.step),
                evidence=(Evidence("half_range", share, 0.0, "share"),),
                tricks=(Remedy("float32-islands"),),
                training=training,
                process=event.process,
            )
