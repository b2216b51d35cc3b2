"""What each loss and distribution can't be given: one table for all of them."""

from __future__ import annotations

import math
from typing import NamedTuple


class Rule(NamedTuple):
    """One thing that a loss can't be given: where it is seen, and what to say of it.

    `every`: at every sampled call, else at any; `made_by`: only of inputs that all were made so;
    `setting`: only where it is so at every call; `plain`: only of a mean or sum without weights,
    since a mask may take out what lies outside.
    """

    functions: tuple[str, ...]
    argument: str
    signal: str
    low: float
    high: float
    said: str
    why: str
    mend: str
    made_by: tuple[str, ...] = ()
    setting: bool | None = None
    plain: bool = False
    every: bool = False

    def outside(self, value: float, slack: float) -> bool:
        """Whether a number lies outside by more than this; false for nan."""
        return value < self.low - slack or value > self.high + slack


INF = math.inf
BINARY = ("binary_cross_entropy", "binary_cross_entropy_with_logits", "multilabel_soft_margin_loss")
OF_LOGS = ("nll_loss", "kl_div", "ctc_loss")
NO_LEAST = "the loss has no least value: it falls for ever, whatever is learnt"
BITS = "make the targets 0 and 1, or probabilities between"

RULES = (
    Rule(BINARY, "input", "target_min", 0.0, INF,
         "targets under 0 (the least was {0:.3g})", NO_LEAST, BITS, plain=True),
    Rule(BINARY, "input", "target_max", -INF, 1.0,
         "targets over 1 (the largest was {0:.3g})", NO_LEAST, BITS, plain=True),
    Rule(("cross_entropy",), "input", "target_min", 0.0, INF,
         "class probabilities under 0 as targets (the least was {0:.3g})", NO_LEAST,
         "give class numbers, or probabilities that sum to 1", plain=True),
    Rule(OF_LOGS, "input", "loss_input_max", -INF, 0.0,
         "raw numbers (up to {0:.3g}) where it wants log-probabilities",
         "log-probabilities are never positive; of raw outputs the loss has no least value",
         "give it log_softmax of the outputs", made_by=("linear", "product", "relu")),
    Rule(("kl_div",), "input", "target_min", 0.0, INF,
         "negative targets (the least was {0:.3g}) without log_target=True",
         "the logarithm of a negative target is NaN, and so is the loss",
         "give probabilities as the target, or say log_target=True", setting=False),
    Rule(("poisson_nll_loss",), "input", "loss_input_min", -INF, 0.0,
         "rates (the output of {1}) with log_input=True, which takes their exponential",
         "it wants the logarithm of the rate: of a positive one the rate is over 1 for every count",
         "give it the raw output, or say log_input=False",
         made_by=("exp", "softplus"), setting=True, every=True),
    Rule(("poisson_nll_loss",), "input", "loss_input_min", 0.0, INF,
         "rates under 0 (down to {0:.3g}) with log_input=False",
         "the logarithm of a negative rate is NaN, and so is the loss",
         "leave log_input=True for raw outputs, or make rates positive (softplus, exp)",
         setting=False),
    Rule(("poisson_nll_loss",), "input", "target_min", 0.0, INF,
         "counts under 0 (the least was {0:.3g})",
         "of a negative count the loss has no least value: it falls for ever as the rate goes to 0",
         "give it counts; standardised numbers want another loss", plain=True),
    Rule(("Categorical",), "probs", "loss_input_max", 0.0, INF,
         "negative numbers as probs (the largest was {0:.3g})",
         "they are divided by their sum, which is negative too: what is least likely becomes most "
         "likely", "name them: Categorical(logits=...)", every=True),
)  # fmt: skip
"""All that is outside; what torch itself refuses is not among it."""
