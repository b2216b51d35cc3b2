"""The check `probabilities-as-logits`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.view import RunView
from ...signals.domains import (
    PROBABILITIES,
    Given,
    always_over_classes,
    calls,
    first_training,
    given,
    kinds,
)
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where

DISTRIBUTIONS = ("Categorical", "Bernoulli", "Binomial", "Geometric", "NegativeBinomial",
                 "ContinuousBernoulli", "gumbel_softmax")  # fmt: skip


class ProbabilitiesAsLogits(Check):
    """A distribution is given probabilities under the name of logits.

    ## What it does
    At sampled iterations assay looks what `torch.distributions` (`Categorical`, `Bernoulli`,
    `Binomial`, `Geometric`, `NegativeBinomial`, `ContinuousBernoulli` and what is made of them) and
    `gumbel_softmax` are given as logits: which operation made it, and whether it has no negative
    number and sums to 1. A softmax or sigmoid at every call is reported.

    ## Why it matters
    Logits are squashed once more. Of probabilities the distribution stays nearly uniform: with two
    actions no probability is above 0.73. A policy can't become certain, and its entropy stays high
    whatever it learns.

    ## Evidence
    Exact. `loss_given`: a softmax or sigmoid made the logits, seen through views; or
    `probability_dims` holds the last dimension at every sampled call.

    ## Known exceptions
    Silent: `log_softmax` outputs and logarithms as logits, which are right; probabilities that are
    scaled, such as by a temperature; `probs=softmax(...)`.

    ## Example
    `Categorical(logits=torch.softmax(actor(state), dim=-1))`.

    ## What to try
    `Categorical(logits=actor(state))` with raw outputs, or `Categorical(probs=softmax(...))`.

    ## References
    PyTorch documentation, `torch.distributions.Categorical`.
    """

    name = "probabilities-as-logits"
    family = "loss"
    severity = "error"
    tier = "exact"
    by_hand = "whether logits or probabilities were meant is one argument in the script"
    needs = ("loss_given",)
    reads = ("loss_given", "probability_dims")
    limits = {
        "share": Limit(1.0, "of calls", "definition: logits are squashed by who takes them"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for events in given(run, *DISTRIBUTIONS, argument="logits").values():
            made = kinds(events) - {""}  # an agent acts without gradients
            rows = always_over_classes(run, events[0], "probability_dims")
            if made and made <= set(PROBABILITIES):
                squash = next(iter(made))
                said = f"its logits were the output of a {squash}"
            elif rows and not made:
                said = f"at {calls(len(rows))} its logits were non-negative and summed to 1"
            else:
                continue
            yield self._finding(run, events[0], said, [step for step, _ in rows])

    def _finding(self, run: RunView, event: Given, said: str, steps: list[int]) -> Finding:
        fn, steps = event.data["fn"], steps or [event.step]
        return self.found(
            f"{fn} was given probabilities as logits: {said}",
            "they are squashed a second time: the distribution stays near the uniform one, however "
            "certain the network is",
            try_=(f"give {fn} the raw outputs as logits, or the probabilities as probs",),
            where=Where(site=event.site),
            steps=(steps[0], steps[-1]),
            evidence=(Evidence("loss_given", 1.0, self.limit("share"), "of calls"),),
            training=first_training(run, event.data["place"], ("probability_dims",)),
            process=event.process,
        )
