"""The check `symmetric-initialisation`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import CONSTANT_INIT
from ...journal.view import RunView, Site, Training
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where
from ..requirements import Samples

_STACKED = ("weight_ih", "weight_hh", "in_proj_weight")

WINDOW = 32

SHARES = {"row": "row_twin_share", "column": "column_twin_share"}
"""Sides of a weight on which units may be twins."""


class SymmetricInitialisation(Check):
    """All units of a layer began as copies of each other, and training keeps them so.

    ## What it does
    Compares the rows of each trained weight (one row makes one unit; for a bare matrix that the
    script multiplies by hand, the columns too), and the rows of its gradient. It speaks when all of
    them are equal, in value and in gradient, at every sampled step of the opening window.

    ## Why it matters
    Units that compute the same and get the same gradient stay the same for ever: a layer of 512
    units has the capacity of one. With all weights zero, not even that one learns.

    ## Evidence
    Exact. `row_twin_share` is the share of rows that equal the row before them, the smaller one of
    weights and gradients; 1 means that no two units differ. Equal is meant up to float32 rounding.

    ## Known exceptions
    A last layer of zeros, residual branches whose last layer is zero, LoRA's second factor, zero
    convolutions, biases, norms: their gradients differ from row to row, so they part at the first
    step and are silent. Dropout parts equal units, too. In recurrent layers and packed attention
    projections, the gates may differ from each other while the units of each gate are equal.

    ## Example
    `nn.init.zeros_(layer.weight)` or `nn.init.constant_(layer.weight, 0.1)` on hidden layers.

    ## What to try
    Draw weights at random: torch's default, or He for ReLU and Xavier for tanh. Keep constants for
    biases, norms and the last layer of a branch.

    ## References
    Goodfellow, Bengio, Courville, Deep Learning (2016), section 8.4. Zero-initialised last layers:
    Goyal et al. 2017; Hu et al. 2021 (LoRA); Zhang et al. 2023 (ControlNet).
    """

    name = "symmetric-initialisation"
    family = "model"
    severity = "error"
    tier = "exact"
    needs = ("grad_norm",)
    reads = ("grad_norm", "row_twin_share", "column_twin_share", "constant_init")
    requires = (Samples(("grad_norm",), until=WINDOW),)
    leads_to = {
        Effect.RATE_TOO_HIGH: "units that are alike move as one large one, and overshoot",
        Effect.DEAD: "units that are alike die together",
        Effect.SATURATED: "units that are alike reach their bound together",
        Effect.NOT_LEARNING: "units that get the same gradient for ever do the work of one",
    }
    limits = {
        "samples": Limit(5, "steps", "ours: zero gates of two blocks in a row open by step 3"),
        "window": Limit(WINDOW, "steps", "ours: the opening window; rounding may part twins later"),
        "gates": Limit(4, "blocks", "torch.nn.LSTM stacks the weights of four gates"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        inits = {e.data["parameter"]: e for e in run.events(CONSTANT_INIT)}
        for training in self.judgeable(run):
            twins = self._twins(run, training)
            if not twins:
                continue
            name, side = twins[0]
            last = max(training.series(SHARES[side], name).steps)
            init = inits.get(name)
            site = Site.read(init.data.get("by")) if init else None
            shape = next((p.shape for p in run.parameters if p.name == name), ())
            units = shape[0 if side == "row" else 1] if shape else 0
            also = f"; so in {len(twins) - 1} more weights" if len(twins) > 1 else ""
            yield self.found(
                f"all {units or ''} units of {name} were copies of each other, in weights and in "
                f"gradients, through the opening window (to step {last}){also}".replace("  ", " "),
                "equal units get equal gradients and stay equal, so the layer is worth one unit",
                try_=(
                    "draw the weights at random: remove the constant initialisation, or use "
                    "nn.init.kaiming_normal_ (ReLU) or nn.init.xavier_uniform_ (tanh)",
                ),
                where=Where(site=site, parameter=name),
                steps=(0, last),
                evidence=(Evidence(SHARES[side], 1.0, 1.0, "share", name),),
                tricks=(Remedy("init", "he"),),
                training=training,
                parameters=[name for name, _ in twins],
            )

    def _twins(self, run: RunView, training: Training) -> list[tuple[str, str]]:
        order = {p.name: i for i, p in enumerate(run.parameters)}
        # while no weight at all has a gradient, nothing could part twins, or keep them equal
        idle = {step for step, norm in training.series("grad_norm") if norm == 0.0}
        found = []
        for side in SHARES:
            for name in training.places(SHARES[side]):
                shape = run.parameters[order[name]].shape if name in order else ()
                owner = run.module(name.rpartition(".")[0]) if name in order else None
                kind = owner.kind if owner else ""
                if kind.startswith("Embedding") or (side == "column" and name.endswith("weight")):
                    continue
                values = training.series(SHARES[side], name).between(0, int(self.limit("window")))
                least = 1.0
                if shape and any(part in name for part in _STACKED):
                    least = 1 - (self.limit("gates") - 1) / max(shape[0] - 1, 1)
                shares = [value for step, value in values if step not in idle]
                if len(shares) >= self.limit("samples") and all(
                    share >= least - 1e-6 for share in shares
                ):
                    found.append((name, side))
        return sorted(found, key=lambda entry: order.get(entry[0], -1))
