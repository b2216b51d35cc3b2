"""The check `all-targets-ignored`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import LOSS_CALL, NothingCounted
from ...journal.view import Event, RunView, Site, Training
from ...signals.counted import over_nothing
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Where

KINDS = ("ignored", "masked", "selected")


class AllTargetsIgnored(Check):
    """A batch had no target that counts, and the mean over its targets was 0/0.

    ## What it does
    At a loss that is NaN assay looks into its graph for a mean over nothing: a loss of classes all
    of whose targets have the value that is ignored, a sum over a mask that is divided by the number
    of its ones where there are none, a mean of what a selection has left nothing of. It reports the
    first one that a step was taken with.

    ## Why it matters
    0/0 is NaN. Where gradients go through the division, one such batch makes all weights NaN.
    Where they don't, the loss that is logged, and each average that it enters, is NaN.

    ## Evidence
    Exact, from what autograd keeps for the backward pass: the targets, the mask, the divisor.

    ## Known exceptions
    Silent: divisors that can't be 0 (`mask.sum().clamp(min=1)`), a mean that is replaced where
    nothing counts, batches that the script drops before the optimizer's step, sums over nothing
    (they are 0), and single samples without a target in a batch that has some. On a GPU only
    sampled batches of `cross_entropy` and `nll_loss` are seen.

    ## Example
    Conversations are cut to 512 tokens, and in some batches every answer lies behind the cut.

    ## What to try
    Leave samples without a target out of the data, or cut the prompt and not the answer. Divide by
    the count clamped to 1, or skip a batch whose count is 0.

    ## References
    PyTorch documentation, `torch.nn.CrossEntropyLoss` (`ignore_index`, the mean over targets that
    are not ignored). Hugging Face transformers, issue 22436 and others of its kind.
    """

    name = "all-targets-ignored"
    family = "loss"
    severity = "error"
    tier = "exact"
    by_hand = "samples without a target are left out where the data are made"
    needs = ("loss",)
    reads = ("loss", "nothing_counted", "target_counted_share", "loss_call")
    leads_to = (Effect.NOT_FINITE,)
    limits = {"counted": Limit(0, "targets", "definition: a mean over none is 0/0")}

    def review(self, run: RunView) -> Iterator[Finding]:
        told = set()
        for training, event, harmless in over_nothing(run, *KINDS):
            told.add(training.index)
            yield self._finding(
                f"{_what(event)} in the batch of step {event.step}: the mean over it was 0/0",
                Site.read(event.data["line"]) or event.site,
                event.step,
                training,
                harmless=harmless,
            )
        for training in run.trainings:
            if training.index not in told:
                yield from self._sampled(run, training)

    def _sampled(self, run: RunView, training: Training) -> Iterator[Finding]:
        """Looks for sampled calls without a target that counts, whose mean was NaN."""
        losses = training.series("loss")
        for call in run.events(LOSS_CALL):
            place = call.data["place"]
            if call.data.get("reduction", "mean") != "mean" or not call.data.get("in_graph", True):
                continue
            for step, share in training.series("target_counted_share", place):
                if share <= self.limit("counted") and losses.has(step):
                    if losses.at(step) == losses.at(step):
                        continue
                    later = [v for s, v in losses if s > step]
                    yield self._finding(
                        f"none of the targets counted in the batch of step {step}, all had the "
                        f"ignored value {call.data.get('ignore_index')}: the mean over them was "
                        "0/0",
                        call.site,
                        step,
                        training,
                        harmless=any(v == v for v in later),
                    )
                    return

    def _finding(
        self, summary: str, site: Site | None, step: int, training: Training, *, harmless: bool
    ) -> Finding:
        return self.found(
            summary,
            "the loss of that step is NaN, and so is each average that it enters"
            if harmless
            else "the loss is NaN from that step on: it can't be learnt from any more",
            try_=(
                "leave out samples without a target, or see why theirs are lost (cut, filtered)",
                "divide by the count clamped to 1, or skip batches whose count is 0",
            ),
            where=Where(site=site),
            steps=(step, step),
            evidence=(Evidence("nothing_counted", 0, self.limit("counted"), "targets"),),
            severity="warning" if harmless else "error",
            training=training,
        )


def _what(event: Event[NothingCounted]) -> str:
    """Says of what nothing was left."""
    data = event.data
    of = f"{data['of']:,} " if data["of"] else ""
    if data["kind"] == "ignored":
        return f"all {of}targets had the ignored value {data['ignored']}"
    if data["kind"] == "selected":
        return f"a selection took none of {of or 'its '}elements"
    if data["rows"]:
        return f"the mask was 0 everywhere in {data['rows'][0]:,} of {data['rows'][1]:,} rows"
    return f"the mask was 0 at all {of}places"
