"""The check `loss-outside-domain`."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...journal.events import LOSS_CALL
from ...journal.view import RunView
from ...signals.domain_rules import RULES, Rule
from ...signals.domains import (
    Given,
    always,
    calls,
    class_dimension,
    first_training,
    given,
    kinds,
    samples,
)
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where


class LossOutsideDomain(Check):
    """A loss is given what its formula is not defined for, and torch does not check.

    ## What it does
    At each sampled call assay compares the range of inputs and targets, and the operation that made
    the input, with what the formula wants: binary losses want targets from 0 to 1, `nll_loss`,
    `kl_div` and `ctc_loss` log-probabilities, `kl_div` targets that are no logarithms unless it is
    told so, `poisson_nll_loss` log-rates (or rates, with `log_input=False`) and counts, and
    `Categorical(probs)` no negative numbers. What lies outside at every call is reported. So is
    `cross_entropy` of bare cosines with class weights.

    ## Why it matters
    Outside its domain a loss is NaN, or has no least value, so that it falls while nothing is
    learnt; or it can't get low. Cosines lie between -1 and 1: of C classes `cross_entropy` can't
    fall below log(1 + (C-1)/e^2), whatever the model knows.

    ## Evidence
    Exact. The number that lies outside, at every sampled call, against the bound of the formula.

    ## Known exceptions
    Silent: targets a little outside 0 to 1 (label smoothing of 0.7 to 1.2), and any where
    `reduction="none"` or weights may mask them; log densities, which may be positive; probabilities
    under the name of logarithms, which are `probabilities-in-nll` and `probabilities-in-kl-div`;
    cosines that are scaled, and similarities of two samples; what torch itself refuses, such as
    negative variances, and inputs of `binary_cross_entropy` outside 0 to 1.

    ## Example
    `BCEWithLogitsLoss` with labels -1 and 1; `nll_loss` of raw outputs; `PoissonNLLLoss()` behind
    an `exp`; `Categorical(log_softmax(x))`, whose first argument is `probs`.

    ## What to try
    What the finding says. Of cosines: multiply by a scale of 10 to 64, or learn it.

    ## References
    PyTorch documentation of each loss. Chintala et al.: How to Train a GAN, 2016 (targets from 0.7
    to 1.2). Wang et al.: NormFace, ACM MM 2017 (proposition 2: the bound of cosines).
    """

    name = "loss-outside-domain"
    family = "loss"
    severity = "error"
    tier = "exact"
    by_hand = "what the loss was to be given is the script's to say"
    needs = ("loss_given",)
    reads = ("loss_given", "loss_call", "loss_input_min", "loss_input_max", "target_min",
             "target_max")  # fmt: skip
    limits = {
        "targets": Limit(0.25, "beyond the bound", "Chintala et al. 2016: 0.7 to 1.2, on purpose"),
        "inputs": Limit(0.0, "beyond the bound", "definition: the formula's own"),
        "cosine": Limit(1.001, "cosine", "definition, and rounding"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        masked = {
            e.data["place"]
            for e in run.events(LOSS_CALL)
            if e.data.get("weighted") or e.data.get("reduction") not in ("mean", "sum", "batchmean")
        }
        for rule in RULES:
            for place, events in given(run, *rule.functions, argument=rule.argument).items():
                if (rule.plain and place in masked) or not _applies(rule, events):
                    continue
                limit = self.limits["targets" if rule.plain else "inputs"]
                seen = samples(run, rule.signal, place)
                bad = [(step, value) for step, value in seen if rule.outside(value, limit.value)]
                if bad and (len(bad) == len(seen) or not rule.every):
                    yield self._outside(run, events[0], rule, bad, limit.value)
        yield from self._cosines(run)

    def _outside(
        self, run: RunView, event: Given, rule: Rule, bad: list[tuple[int, float]], slack: float
    ) -> Finding:
        below = math.isfinite(rule.low)
        worst = min(v for _, v in bad) if below and not rule.every else max(v for _, v in bad)
        bound = rule.low - slack if below else rule.high + slack
        fn = event.data["fn"]
        return self.found(
            f"{fn} was given {rule.said.format(worst, event.data['made_by'])}",
            rule.why,
            try_=(rule.mend,),
            where=Where(site=event.site),
            steps=(bad[0][0], bad[-1][0]),
            evidence=(Evidence(rule.signal, worst, bound),),
            training=first_training(run, event.data["place"], (rule.signal,)),
            process=event.process,
        )

    def _cosines(self, run: RunView) -> Iterator[Finding]:
        """Looks for bare cosines with class weights; those of several samples are contrasts."""
        for place, events in given(run, "cross_entropy").items():
            most = self.limit("cosine")
            found = always(run, "loss_input_max", place, most.__ge__)
            if not found or kinds(events) != {"cosine"}:
                continue
            shape = events[0].data["shape"]
            classes = shape[class_dimension("cross_entropy", len(shape))]
            floor = math.log(1 + (classes - 1) / math.e**2)
            yield self.found(
                f"cross_entropy was given bare cosines at {calls(len(found))}: they lie between -1 "
                f"and 1, and so it can't fall below {floor:.2f} for {classes} classes",
                "softmax of numbers that close is nearly uniform, however well the classes part",
                try_=("multiply the cosines by a scale, such as 16 or 30",),
                where=Where(site=events[0].site),
                steps=(found[0][0], found[-1][0]),
                evidence=(
                    Evidence("loss_input_max", max(v for _, v in found), self.limit("cosine")),
                ),
                severity="warning",
                training=first_training(run, place, ("loss_input_max",)),
                process=events[0].process,
            )


def _applies(rule: Rule, events: list[Given]) -> bool:
    """Whether all calls at a place are of the kind that a rule is about."""
    if rule.made_by and not kinds(events) <= set(rule.made_by):
        return False
    return rule.setting is None or all(e.data["setting"] is rule.setting for e in events)
