"""The check `vanishing-gradient`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from ...journal.view import RunView, Training
from ...signals.lines import flattening_site
from ...signals.ratios import (
    grad_rms,
    rising_share,
    rms_by_depth,
    typical,
    update_ratio,
    weight_matrices,
)
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where
from ..requirements import Samples, That, too_few


def _few_layers(check: Check, run: RunView, training: Training) -> str | None:
    """Says that there are too few weight matrices to see gradients shrink from one to the next."""
    return too_few(
        len(rms_by_depth(run, training)), check.limit("layers"), "weight matrices with gradients"
    )


class VanishingGradient(Check):
    """The gradient dies away from the last layer to the first, so the first layers don't learn.

    ## What it does
    Compares the typical size (root mean square, median over the samples) of the gradients of all
    weight matrices, in the order of the model. It speaks when they shrink steadily towards the
    first one, to less than a thousandth, and either the first one's weights hardly move or
    the loss does not fall.

    ## Why it matters
    The first layers stay as they were initialised; what they lose of the input, no later layer can
    get back.

    ## Evidence
    Heuristic: `grad_norm` by depth against a limit measured on healthy nets of up to 24 blocks.
    Adam scales small gradients up again; for it, small gradients count only if the loss stands.

    ## Known exceptions
    Silent: residual branches that begin at zero, frozen layers, embeddings (most of their rows
    get no gradient), nets with fewer than three weight matrices, rates that differ between layers.

    ## Example
    Eight sigmoid layers with torch's default initialisation; thirty ReLU layers without He's.

    ## What to try
    ReLU or GELU instead of sigmoid; He (ReLU) or Xavier (tanh) initialisation; normalisation
    layers; residual connections.

    ## References
    Glorot and Bengio 2010; He et al. 2015, "Delving deep into rectifiers". AUTOTRAINER (ICSE 2021):
    ratio of first to last layer below 1e-3 and first layer below 1e-4.
    """

    name = "vanishing-gradient"
    family = "gradient"
    severity = "warning"
    tier = "heuristic"
    needs = ("grad_norm",)
    reads = ("grad_norm", "update_norm", "weight_norm", "loss", "activation_kind")
    requires = (That(_few_layers), Samples(("grad_norm",)))
    is_effect = (Effect.VANISHING,)
    leads_to = {
        Effect.RATE_TOO_HIGH: "the last layers alone learn, and overshoot",
        Effect.NOT_LEARNING: "the first layers stay as they were made",
    }
    limits = {
        "ratio": Limit(
            1e-3,
            "first / largest",
            "measured in benchmarks/calibration/gradient_depth.py: healthy >= 0.024, sick <= 7e-5",
        ),
        "rising": Limit(
            0.9, "share of pairs", "measured in benchmarks/calibration/gradient_depth.py"
        ),
        "moved": Limit(
            1e-3, "first / largest", "measured in benchmarks/calibration/gradient_depth.py"
        ),
        "fall": Limit(0.9, "last / first loss", "ours: a tenth of the loss is learning"),
        "layers": Limit(3, "weight matrices", "ours: two points make no trend"),
        "samples": Limit(5, "steps", "ours: zero branches of residual nets open by step 3"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in self.judgeable(run):
            depth = rms_by_depth(run, training)
            values = [value for _, value in depth]
            samples = training.series("grad_norm").finite()
            top, first = max(values), depth[0][0]
            ratio = values[0] / top if top > 0 else 1.0
            if ratio >= self.limit("ratio") or rising_share(values) < self.limit("rising"):
                continue
            if values[0] == 0.0:
                continue  # cut off, not faded: dead units, or a loss that does not reach it
            moves = [typical(update_ratio(training, p.name)) for p, _ in depth]
            moved = moves[0] / max(moves) if max(moves) > 0 else 1.0
            if not (moved < self.limit("moved") or self._stands(training)):
                continue
            yield self.found(
                f"gradients shrank by a factor of {1 / ratio:.0e} over {len(depth)} weight "
                f"matrices, from {depth[values.index(top)][0].name} to {first.name} (median of "
                f"{len(samples)} samples)",
                "the first layers keep their initial weights and pass on little of the input",
                try_=(
                    "use ReLU or GELU instead of sigmoid or tanh in hidden layers",
                    "initialise for the activation: He for ReLU, Xavier for tanh",
                    "add normalisation layers or residual connections",
                ),
                where=Where(flattening_site(run, first), first.module or None, first.name),
                steps=(samples.steps[0], samples.steps[-1]),
                evidence=(
                    Evidence(
                        "grad_norm", ratio, self.limit("ratio"), "first / largest", first.name
                    ),
                    Evidence("update_norm", moves[0], None, "of the weights", first.name),
                ),
                tricks=(
                    Remedy("activation", "relu"),
                    Remedy("init", "he"),
                    Remedy("norm", "layer,insert=yes"),
                    # a network that was thrown away in its first steps passes on no gradient either
                    Remedy("warmup"),
                    Remedy("lr", "x0.3"),
                    Remedy("lr", "x0.1"),
                ),
                training=training,
                began=self._onset(run, training),
            )

    def _onset(self, run: RunView, training: Training) -> tuple[int, int]:
        """Returns between which samples the gradients began to shrink so steadily."""
        sizes, well = [grad_rms(training, p) for p in weight_matrices(run, training)], -1
        for step in training.series("grad_norm").finite().steps:
            values = [value for size in sizes if (value := size.at(step)) == value]
            top = max(values, default=0.0)
            shrunk = top > 0 and values[0] < self.limit("ratio") * top
            if shrunk and rising_share(values) >= self.limit("rising"):
                return well + 1, step
            well = step
        return 0, max(well, 0)

    def _stands(self, training: Training) -> bool:
        """Whether the last tenth of the losses is not a tenth below the first one."""
        losses = training.series("loss").finite().values
        tenth = max(len(losses) // 10, 1)
        if len(losses) < 2 * tenth:
            return False
        return median(losses[-tenth:]) > self.limit("fall") * median(losses[:tenth])
