"""The check `fp16-overflow`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import HALF_RANGE
from ...journal.view import RunView, Site, Training
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where

ISLANDS = {"exp", "expm1", "prod", "cumsum", "var", "std", "reciprocal", "rsqrt", "norm"}
"""Operations that the trick computes in float32; a matrix product is none of them."""


class Fp16Overflow(Check):
    """A product or a sum in float16 is larger than 65,504, and so infinite.

    ## What it does
    Walks the graph of the first losses that are NaN or infinite, in the order of the forward pass.
    Reported if what is infinite first is a float16, the result of a product, a power or a sum, and
    all weights are finite.

    ## Why it matters
    In float32 the same number would be an ordinary one. Infinity minus infinity is NaN, and so the
    loss is.

    ## Evidence
    Exact. `half_range`: the share of the result that was infinite.

    ## Known exceptions
    Silent: -inf in a sum, which is what masks are made of; weights that were not finite before; a
    loss that had risen to twice its first value: a training that diverges overflows at last, and
    float16 is not to blame. Not judged: losses on an accelerator, whose values are not known
    without waiting, and checkpointed graphs.

    ## Example
    Squares of features of 300 under `torch.autocast("cuda", torch.float16)`.

    ## What to try
    Compute that line in float32: `x.float()`, or `torch.autocast(..., enabled=False)` around it; or
    bfloat16, whose range is that of float32.

    ## References
    IEEE 754-2008 (binary16); Micikevicius et al.: Mixed Precision Training, 2018, section 3.
    """

    name = "fp16-overflow"
    family = "precision"
    severity = "error"
    tier = "exact"
    needs = ("loss",)
    reads = ("loss", "half_range")
    leads_to = (Effect.NOT_FINITE,)
    limits = {
        "risen": Limit(2.0, "times the first loss", "ours: it diverged before it overflowed"),
        "largest": Limit(65504.0, "", "IEEE 754-2008: the largest number of binary16"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for event in run.events(HALF_RANGE):
            training = next((t for t in run.trainings if t.index == event.training), None)
            if event.data["kind"] != "overflow" or self._diverged(training, event.step):
                continue
            share, op = event.data["share"], event.data["op"]
            yield self.found(
                f"{share:.2%} of the result of `{op}` was beyond {self.limit('largest'):,.0f} at "
                f"step {event.step}: infinite in float16, while all weights were finite",
                "what is infinite becomes NaN, and float32 would have held it",
                try_=("compute this line in float32, or all in bfloat16",),
                where=Where(site=Site.read(event.data["line"]) or event.site),
                steps=(event.step, event.step),
                evidence=(Evidence("half_range", share, 0.0, "share"),),
                tricks=(Remedy("float32-islands"),) if op.partition(".")[0] in ISLANDS else (),
                training=training,
                process=event.process,
            )

    def _diverged(self, training: Training | None, step: int) -> bool:
        """Whether the loss had risen far above its beginning before this step."""
        if training is None:
            return False
        before = training.series("loss").finite().between(0, step)
        return len(before) > 0 and max(before.values) > self.limit("risen") * abs(before.first)
