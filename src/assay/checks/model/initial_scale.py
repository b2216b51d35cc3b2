"""The check `initial-scale`."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...journal.view import RunView, Training
from ...signals.initial import Layer, drawn_at, each_layer, first_layers
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where
from ..requirements import That, too_few

_RIGHT = "benchmarks/calibration/initial_scale.py"


def _few_layers(check: Check, run: RunView, training: Training) -> str | None:
    """Says that too few layers were seen from the first step on."""
    return too_few(len(first_layers(run, training)), check.limit("layers"), "layers with weights")


class InitialScale(Check):
    """The weights begin so large, or so small, that what flows through grows or fades with depth.

    ## What it does
    Takes the size of each weight at the first sample of the first step, times the root of its
    number of inputs: the factor by which that layer multiplies what it is given. It is 0.58 for
    torch's linear layers, 1 for Xavier's weights and 1.41 for He's. Then it looks at how far the
    outputs of the layers really spread, from the first to the last.

    ## Why it matters
    Factors multiply. With weights of N(0, 1) and 256 inputs each layer multiplies by 16, and
    answers begin sure and wrong; with a deviation of 0.01 each divides by 6, and after some layers
    nothing of the input is left, nor of the gradient on its way back.

    ## Evidence
    Probe. `weight_norm` and `activation_std` at the first step.

    ## Known exceptions
    Silent: networks whose spread does not grow or fade, whatever their weights: normalisation
    layers, residual branches, weights that are scaled as they are used; branches and heads that
    begin at zero; embeddings.

    ## Example
    `layer.weight.data.normal_(0, 1)`; `nn.init.normal_(p, std=0.01)` in a deep network.

    ## What to try
    Leave torch's own initialisation, or use `nn.init.kaiming_normal_` (ReLU) or
    `nn.init.xavier_uniform_` (tanh).

    ## References
    LeCun, Bottou, Orr, Müller: Efficient BackProp, 1998, section 4.6; Glorot and Bengio 2010; He et
    al. 2015, "Delving deep into rectifiers".
    """

    name = "initial-scale"
    family = "model"
    severity = "warning"
    tier = "probe"
    needs = ("weight_norm", "activation_std")
    reads = ("weight_norm", "activation_std", "weights_drawn")
    requires = (That(_few_layers),)
    leads_to = {
        Effect.STARTS_HIGH: "answers that large are sure of something at the first step",
        Effect.DEAD: "where hardly anything arrives, a step of the biases decides for all",
        Effect.COLLAPSED: "what is left of the input is less than rounding",
        Effect.NOT_LEARNING: "little of the input is left where the answer is made",
    }
    limits = {
        "large": Limit(4.0, "weights times root of inputs", f"{_RIGHT}: 3.1 where right"),
        "small": Limit(0.3, "weights times root of inputs", f"{_RIGHT}: torch's linear: 0.58"),
        "grown": Limit(4.0, "times, each layer", f"{_RIGHT}: 1.1 where such are right"),
        "spread": Limit(10.0, "", "ours: odds of e^10 between classes are no guess"),
        "faded": Limit(
            0.3, "of the spread, each layer", f"{_RIGHT}: 0.39 with torch's own weights"
        ),
        "fading": Limit(4, "layers after the first", "ours: 0.3 ** 4 is 0.8 % of the first spread"),
        "layers": Limit(2, "layers", "one has no depth"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        """Yields a finding for each training that began with weights of the wrong size."""
        for training in self.judgeable(run):
            layers = first_layers(run, training)
            large = [layer for layer in layers if layer.gain >= self.limit("large")]
            small = [layer for layer in layers if layer.gain <= self.limit("small")]
            widest, narrowest = layers[-1], min(layers, key=lambda layer: layer.spread)
            grows = (
                widest.spread >= self.limit("spread")
                and each_layer(layers, widest) >= self.limit("grown")
            )  # fmt: skip
            fades = (
                layers.index(narrowest) >= self.limit("fading")
                and each_layer(layers, narrowest) <= self.limit("faded")
            )  # fmt: skip
            if grows and len(large) >= max(2, len(layers) / 2):
                yield self._finding(run, training, layers, widest, large, "large")
            elif fades and len(small) >= max(self.limit("fading"), len(layers) / 2):
                yield self._finding(run, training, layers, narrowest, small, "small")

    def _finding(
        self,
        run: RunView,
        training: Training,
        layers: list[Layer],
        last: Layer,
        wrong: list[Layer],
        which: str,
    ) -> Finding:
        first, how = layers[0], "grew" if which == "large" else "faded"
        gain = math.exp(sum(math.log(layer.gain) for layer in wrong) / len(wrong))
        module = run.module(wrong[0].module)
        line = drawn_at(run, wrong) or (module.site if module is not None else None)
        return self.found(
            f"outputs {how} from a spread of {first.spread:.3g} at `{first.module}` to "
            f"{last.spread:.3g} at `{last.module}`, at the first step: the weights of "
            f"{len(wrong)} of {len(layers)} layers are too {which}, and each multiplies what it is "
            f"given by about {gain:.2g}",
            "factors multiply with depth: answers are sure and wrong, gradients explode"
            if which == "large"
            else "factors multiply with depth: little of the input reaches the end, and little of "
            "the gradient the beginning",
            try_=(
                "remove the initialisation: torch's own fits the number of inputs",
                "or use nn.init.kaiming_normal_ (ReLU) or nn.init.xavier_uniform_ (tanh)",
            ),
            where=Where(site=line, module=wrong[0].module, parameter=wrong[0].name),
            steps=(0, 0),
            evidence=(
                Evidence("activation_std", last.spread / first.spread, None, "last / first"),
                Evidence("weight_norm", gain, self.limit(which), "times the root of the inputs"),
            ),
            tricks=(Remedy("init", "he"),),
            training=training,
            began=(0, 0),
            parameters=[layer.name for layer in wrong],
        )
