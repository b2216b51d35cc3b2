"""The check `critic-not-lipschitz`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...journal.events import GRADIENT_PENALTY, Turn
from ...journal.series import Series
from ...journal.view import Event, RunView
from ...signals.players import Pair, pairs, site
from ..base import Limit
from ..finding import Evidence, Finding, Remedy, Where
from ._players import OfPlayers


class CriticNotLipschitz(OfPlayers):
    """A critic's loss is a difference of its answers, and nothing bounds how steep it may become.

    ## What it does
    Assay follows the judge's own loss to its answers. Where only sums, means and factors lie
    between, it is the loss of a Wasserstein GAN. It is reported if no penalty on a slope is part of
    a loss, no layer has a spectral norm, and no weight is clipped.

    ## Why it matters
    The loss is lowered by larger weights alone, without end. It is an estimate of a distance only
    for critics whose slope is bounded.

    ## Evidence
    Exact: the operations between loss and answers (`turn` events), and that none of the three
    bounds was seen. Weights count as clipped where the largest of them is the same number in half
    of the later samples (`judge_weight_max`).

    ## Known exceptions
    Silent: hinge, least squares and cross-entropy, which stop asking; relativistic losses; weights
    that are clipped, divided by a norm or penalised.

    ## Example
    `loss = critic(fake.detach()).mean() - critic(real).mean()`, and nothing more.

    ## What to try
    A gradient penalty, `torch.nn.utils.parametrizations.spectral_norm` on the critic's layers, or
    the weights clipped after each step as in the first paper.

    ## References
    Arjovsky, Chintala, Bottou, "Wasserstein GAN", 2017; Gulrajani et al. 2017; Miyato et al. 2018.
    """

    name = "critic-not-lipschitz"
    family = "gan"
    severity = "warning"
    tier = "exact"
    reads = ("turn", "gradient_penalty", "judge_weight_max")
    limits = {"samples": Limit(8, "samples", "ours: weights may be clipped from some step on")}

    def review(self, run: RunView) -> Iterator[Finding]:
        bounded = any(True for _ in run.events(GRADIENT_PENALTY)) or _has_spectral_norm(run)
        for pair in [] if bounded else pairs(run):
            own = [c for turn, _, c in pair.calls(detached=True) if _steps(pair, turn)]
            data = list(pair.on_data())
            linear = own and {call["way"] for call in (*own, *data)} == {"linear"}
            found = (t.series("judge_weight_max", pair.judge) for t in run.trainings)
            largest = max(found, key=len, default=Series())
            few = len(largest) < self.limit("samples")
            if not linear or few or _clipped(largest.values):
                continue
            grew = f"from {largest.first:.3g} to {largest.last:.3g}"
            yield self.found(
                f"the loss of {pair.judge} is a difference of its answers, and no penalty, "
                f"clipping or spectral norm bounds its slope: its largest weight went {grew}",
                "larger weights alone lower such a loss, without end",
                try_=(
                    "add a gradient penalty to the critic's loss, or spectral norm to its layers",
                ),
                where=Where(site=site(own[0])),
                steps=(0, largest.steps[-1]),
                tricks=(Remedy("gradient-penalty", "10"),),
                evidence=(Evidence("judge_weight_max", largest.last, place=pair.judge),),
                process=pair.process,
            )


def _steps(pair: Pair, turn: Event[Turn]) -> bool:
    """Whether a turn moves the judge."""
    return any(pair.judge in step["moved"] for step in turn.data["steps"])


def _has_spectral_norm(run: RunView) -> bool:
    return any("SpectralNorm" in module.kind for module in run.modules) or any(
        parameter.name.endswith("_orig") for parameter in run.parameters
    )


def _clipped(values: Sequence[float]) -> bool:
    """Whether the largest weight is one and the same number in half of the later samples."""
    later = list(values)[len(values) // 2 :]
    return 2 * later.count(later[-1]) >= len(later)
