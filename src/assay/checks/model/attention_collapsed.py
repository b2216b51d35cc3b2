"""The check `attention-collapsed`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import fmean

from ...journal.events import ATTENTION_AT
from ...journal.series import Series
from ...journal.view import RunView, Site, Training
from ...signals.constant import constant_loss
from ...signals.objective import only_loss
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where
from ..requirements import Samples


class AttentionCollapsed(Check):
    """An attention gives all keys the same weight, or all weight to one key, and learns nothing.

    ## What it does
    Computes a few steps again, and looks at the weights of each attention: those that multiply
    values after a softmax over products of queries and keys, by hand or by torch. It speaks if all
    weights of an attention are equal, each time; or if nearly all lie on one key for every query,
    the last time, and the loss is that of a constant prediction.

    ## Why it matters
    Where all weights are equal the attention is a mean, which asks for nothing. Where one weight is
    1 the softmax has no slope, and queries and keys get no gradient.

    ## Evidence
    Probe. `attention_weight_range`: the largest range of a query's weights in the evenest
    attention, 0 where they are equal.
    `attention_top_weight`: the largest weight, mean over all queries and heads of the sharpest
    attention. Sharp attention alone is no fault: what looks things up has it, and learns by it.

    ## Known exceptions
    Silent: heads that are sharp among others that are not, attentions that begin even (queries or
    padding of zeros) and do not stay so, queries that see fewer than four keys, losses whose
    constant prediction is not known.

    ## Example
    `scores.masked_fill(keys != PADDING, -1e9)`: all real keys are masked, and equal.

    ## What to try
    For equal weights: the mask the other way round, queries and keys that do not begin at zero, a
    scale of one over the root of the width, no more. For one key: a lower rate, a warmup, smaller
    initial weights, or queries and keys that are normalised.

    ## References
    Zhai et al., Stabilizing Transformer Training by Preventing Attention Entropy Collapse, 2023;
    Noci et al., Signal Propagation in Transformers, 2022 (equal weights, rank collapse).
    """

    name = "attention-collapsed"
    family = "model"
    severity = "warning"
    tier = "probe"
    status = "preview"
    by_hand = "what makes the weights so stands in the model's own code"
    needs = ("attention_top_weight",)
    reads = ("attention_top_weight", "attention_weight_range", "attention_at", "loss", "loss_call",
             "loss_call_value", "label_count", "target_mean", "target_std")  # fmt: skip
    requires = (Samples(("attention_top_weight",), "measurements"),)
    limits = {
        "range": Limit(1e-3, "of the mean weight", "ours: what bfloat16 can't tell from 0"),
        "top": Limit(0.95, "of the weight", "ours: a fifth of the slope of a softmax is left"),
        "constant": Limit(0.95, "of a constant's loss", "ours: a twentieth below it is learning"),
        "measurements": Limit(2, "measurements", "ours: one may be the beginning"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        """Yields a finding for each training with an even or a sharp attention."""
        lines = {e.data["how"]: Site.read(e.data["line"]) for e in run.events(ATTENTION_AT)}
        for training in self.judgeable(run):
            ranges = training.series("attention_weight_range").finite()
            tops = training.series("attention_top_weight").finite()
            if len(ranges) and max(ranges.values) <= self.limit("range"):
                yield self._found(
                    training,
                    ranges,
                    f"an attention gave all keys the same weight, for every query, in all "
                    f"{len(ranges)} steps that were looked at",
                    "it takes the mean of the values, and learns to ask for nothing",
                    ("see what makes all scores of a query equal: a mask, a scale, zeros",),
                    lines.get("all keys"),
                    Evidence("attention_weight_range", max(ranges.values), self.limit("range"),
                             "of the mean weight"),
                )  # fmt: skip
            elif tops.values[-1] >= self.limit("top") and (told := self._at_chance(run, training)):
                yield self._found(
                    training,
                    tops,
                    f"an attention gave {tops.values[-1]:.1%} of the weight to one key, in the "
                    f"mean over all queries at step {tops.steps[-1]}, and {told}",
                    "the softmax has no slope there, so queries and keys get no gradient",
                    ("a lower rate or a warmup", "smaller initial weights, or normalised queries "
                     "and keys"),
                    lines.get("one key"),
                    Evidence("attention_top_weight", tops.values[-1], self.limit("top"),
                             "of the weight"),
                )  # fmt: skip

    def _at_chance(self, run: RunView, training: Training) -> str:
        """Says that the loss ended at that of a constant prediction; "" where it did not."""
        call = only_loss(run, training)
        constant = constant_loss(training, call) if call is not None else None
        losses = training.series("loss").values
        end = fmean(losses[-max(len(losses) // 10, 1) :]) if len(losses) else math.nan
        if constant is None or not end >= self.limit("constant") * constant:
            return ""
        return f"the loss ended at {end:.3g}, where a constant prediction has {constant:.3g}"

    def _found(
        self,
        training: Training,
        series: Series,
        what: str,
        why: str,
        advice: tuple[str, ...],
        line: Site | None,
        evidence: Evidence,
    ) -> Finding:
        return self.found(
            what,
            why,
            try_=advice,
            where=Where(site=line),
            steps=(series.steps[0], series.steps[-1]),
            evidence=(evidence,),
            training=training,
        )
