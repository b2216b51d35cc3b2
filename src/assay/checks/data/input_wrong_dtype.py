"""The check `input-wrong-dtype`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import CAST_LOSES, CastLoses
from ...journal.view import RunView, Site
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where
from ..requirements import Samples

_CUT = ("keep them decimal: `.float()` instead of `.long()`, or a loss for decimal targets",)
_ADVICE = {
    "fractions": _CUT,
    "all one": _CUT,
    "ids": ("keep ids in int64: only decimal inputs gain by half precision",),
    "wrapped": ("turn the numbers into float first: `x.float() - 128`",),
}


class InputWrongDtype(Check):
    """Inputs or targets lose what they carry because of their type.

    ## What it does
    Computes the first step again, from the call of a model to the loss, and compares the numbers
    before and after each change of type of its data.

    ## Why it matters
    The numbers are still numbers, so nothing fails: probabilities become 0, pixels below 128 become
    bright ones, two words get one id.

    ## Evidence
    Exact, of the batch that was computed again: fractions that `.long()` or the like cut off, of
    targets that a loss of numbers takes, or so that all numbers are one; ids above 2048 that came
    as float16 (256: bfloat16) before an embedding; sums of small whole numbers that began again at
    the other end of their type.

    ## Known exceptions
    Silent: numbers that are computed before they are cast (`(10 * x).long()` sorts into bins),
    classes and ids of which a fraction is cut while they stay different, hashes and bits, and all
    that the script does before it calls a model: that can't be seen.

    ## Example
    `F.mse_loss(model(x), y.long().float())`; `(x - 128)` in `forward`, for x in uint8.

    ## What to try
    Cast what is computed with to float, ids and classes to int64, each once and where it is read.

    ## References
    PyTorch documentation, "Tensor Attributes": type promotion. IEEE 754: float16 holds whole
    numbers up to 2048.
    """

    name = "input-wrong-dtype"
    family = "data"
    severity = "warning"
    tier = "exact"
    by_hand = "where a type is chosen stands in the script's own code"
    needs = ("lossy_casts",)
    reads = ("lossy_casts", "cast_loses")
    requires = (Samples(("lossy_casts",), "measurements"),)
    limits = {
        "measurements": Limit(1, "step", "one step shows it"),
        "share": Limit(0.05, "of the numbers", "ours: single ones may be outliers"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        """Yields a finding for each way in which a type loses data."""
        for training in self.judgeable(run):
            for event in run.events(CAST_LOSES):
                data = event.data
                if event.process != training.process or data["share"] < self.limit("share"):
                    continue
                what, why = _told(data)
                yield self.found(
                    what,
                    why,
                    try_=_ADVICE[data["how"]],
                    where=Where(site=Site.read(data["line"]) or event.site),
                    steps=(event.step, event.step),
                    evidence=(
                        Evidence("lossy_casts", data["share"], self.limit("share"),
                                 "of the numbers"),
                    ),
                    process=event.process,
                    began=(0, 0),
                )  # fmt: skip
            return


def _told(data: CastLoses) -> tuple[str, str]:
    """Returns what is lost, and what that means."""
    share, low, high = f"{data['share']:.0%}", f"{data['low']:.4g}", f"{data['high']:.4g}"
    if data["how"] == "ids":
        return (
            f"{share} of the ids came as {data['before']}, above what it can tell apart: they go "
            f"up to {data['high']:.0f}",
            "neighbouring ids are one",
        )
    if data["how"] == "wrapped":
        return (
            f"{share} of the results of an operation in {data['after']} did not fit: they lie "
            f"between {low} and {high}, and began again at the other end",
            "small numbers become large ones, and large ones small",
        )
    left = ", and all became one number" if data["how"] == "all one" else ""
    return (
        f"{share} of the numbers, from {low} to {high}, lost their fraction as {data['before']} "
        f"became {data['after']}{left}",
        "the model learns from what is left of them",
    )
