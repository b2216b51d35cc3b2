"""The check `saturated-activation`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.view import RunView
from ...signals.lines import activation_site
from ...signals.onset import onset
from ...signals.ratios import typical
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where
from ..requirements import Samples


class SaturatedActivation(Check):
    """The outputs of a hidden sigmoid or tanh lie at its bounds, where it has no slope.

    ## What it does
    For each sigmoid, tanh or hardsigmoid that a layer with weights follows, counts the outputs
    within 1 % of a bound. It speaks when, in most sampled steps, nearly all of them are.

    ## Why it matters
    There the slope is below 4 % of its largest, and each such layer multiplies the gradient of all
    layers before it by that: they stop to learn.

    ## Evidence
    Heuristic: the median of `activation_saturated_share` over the run against a limit measured on
    healthy nets.

    ## Known exceptions
    Silent: outputs (the sigmoid before a binary cross-entropy, a generator's tanh), gates inside
    torch's own recurrent layers, random features whose weights are frozen, codes that are driven to
    their bounds late in training.

    ## Example
    Weights drawn with standard deviation 1 before a tanh; pixels of 0..255 fed to a sigmoid.

    ## What to try
    Normalise the inputs; Xavier initialisation; a normalisation layer before the activation; ReLU
    or GELU in hidden layers.

    ## References
    Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural
    networks". TheDeepChecker (TOSEM 2022) alarms above 0.85.
    """

    name = "saturated-activation"
    family = "model"
    severity = "warning"
    tier = "heuristic"
    needs = ("activation_saturated_share",)
    reads = ("activation_saturated_share", "activation_kind")
    requires = (Samples(("activation_saturated_share",)),)
    is_effect = (Effect.SATURATED,)
    leads_to = {
        Effect.RATE_TOO_HIGH: "the few units with a slope left take the whole step, and overshoot",
        Effect.VANISHING: "a gradient is multiplied by each layer's slope, which is nearly zero",
        Effect.NOT_LEARNING: "weights before a unit without slope get no gradient",
    }
    limits = {
        "share": Limit(
            0.7, "share", "measured in benchmarks/calibration/gradient_depth.py: healthy <= 0.38"
        ),
        "samples": Limit(8, "steps", "ours: the first steps may leave saturation by themselves"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        signal = "activation_saturated_share"
        for training in self.judgeable(run):
            full = [
                (place, typical(training.series(signal, place)))
                for place in training.places(signal)
                if len(training.series(signal, place).finite()) >= self.limit("samples")
            ]
            full = [(place, share) for place, share in full if share >= self.limit("share")]
            if not full:
                continue
            place, share = max(full, key=lambda entry: entry[1])
            series = training.series(signal, place)
            also = f" (and {len(full) - 1} more layers)" if len(full) > 1 else ""
            yield self.found(
                f"{share:.0%} of the outputs of {place}{also} lay within 1 % of a bound, "
                f"in the median over {len(series)} sampled steps",
                "the activation has next to no slope there, so layers before it get no gradient",
                try_=(
                    "normalise what enters this layer: the inputs, or a norm layer before it",
                    "initialise the weights before it smaller (Xavier)",
                    "use ReLU or GELU in hidden layers",
                ),
                where=Where(site=activation_site(run, place), module=place),
                steps=(series.steps[0], series.steps[-1]),
                evidence=(Evidence(signal, share, self.limit("share"), "share", place),),
                tricks=(
                    Remedy("init", "xavier"),
                    Remedy("norm", "layer,insert=yes"),
                    Remedy("activation", "relu"),
                ),
                training=training,
                began=onset(series, lambda share: share >= self.limit("share")),
                layers=[place for place, _ in full],
            )
