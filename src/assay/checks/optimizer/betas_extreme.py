"""The check `betas-extreme`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...journal.view import RunView
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where

ADAMS = frozenset(("Adam", "AdamW", "NAdam", "RAdam", "Adamax", "SparseAdam"))


class BetasExtreme(Check):
    """The optimizer's memory can't work: Adam's betas are the wrong way round, or momentum is 1.

    ## What it does
    Reads the settings of each parameter group: of Adam and its relatives whether beta1 is at least
    the square root of beta2, of SGD whether momentum is 1 or more.

    ## Why it matters
    Adam divides a mean of gradients by their size. If the mean is far older than the size, one
    large old gradient is divided by a small new one, and the step has no bound. Momentum of 1
    never forgets: velocity only grows.

    ## Evidence
    Exact. `beta1` and the root of beta2, or `momentum`.

    ## Known exceptions
    Silent: unusual betas in the right order, such as (0, 0.9) and (0.5, 0.999) of GANs or (0.9,
    0.95) of language models; other optimizers, whose betas mean something else (Lion).

    ## Example
    `torch.optim.Adam(parameters, betas=(0.999, 0.9))`.

    ## What to try
    `betas=(0.9, 0.999)`; momentum of 0.9.

    ## References
    Reddi et al.: On the Convergence of Adam and Beyond, 2018, theorem 2; Kingma and Ba: Adam, 2015,
    section 4: beta1 below the root of beta2.
    """

    name = "betas-extreme"
    family = "optimizer"
    severity = "warning"
    tier = "exact"
    needs = ("learning_rate",)
    reads = ("learning_rate",)
    leads_to = (Effect.EXPLODING, Effect.NOT_LEARNING)
    limits = {
        "momentum": Limit(1.0, "", "definition: a mean forgets"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in run.trainings:
            if not len(training.series("learning_rate", "group 0")):
                continue
            for group in training.groups:
                found = self._judge(training.optimizer, group.settings)
                if found is None:
                    continue
                summary, why, try_, evidence, remedy = found
                yield self.found(
                    f"{training.optimizer} has {summary}",
                    why,
                    try_=(try_,),
                    where=Where(site=training.site, group=group.index),
                    steps=(0, max(training.steps - 1, 0)),
                    evidence=(evidence,),
                    tricks=(remedy,),
                    training=training,
                )

    def _judge(
        self, optimizer: str, settings: Mapping[str, Any]
    ) -> tuple[str, str, str, Evidence, Remedy] | None:
        betas: Any = settings.get("betas")
        momentum: Any = settings.get("momentum")
        if optimizer in ADAMS and _are_two(betas) and betas[0] >= betas[1] ** 0.5:
            first, second = betas
            return (
                f"betas of ({first:g}, {second:g}): beta1 is not below the root of beta2, "
                f"{second**0.5:.4g}",
                "a mean that is older than the size it is divided by makes steps without a bound",
                "betas=(0.9, 0.999)",
                Evidence("beta1", first, second**0.5),
                Remedy("betas", "0.9,beta2=0.999"),
            )
        numeric = type(momentum) in (int, float)
        if optimizer == "SGD" and numeric and momentum >= self.limit("momentum"):
            return (
                f"a momentum of {momentum:g}",
                "such a velocity forgets no gradient, and only grows",
                "a momentum of 0.9",
                Evidence("momentum", momentum, self.limit("momentum")),
                Remedy("momentum", "0.9"),
            )
        return None


def _are_two(betas: Any) -> bool:
    """Whether these are two numbers."""
    return (
        isinstance(betas, (list, tuple))
        and len(betas) == 2
        and all(type(beta) in (int, float) for beta in betas)
        and betas[1] >= 0
    )
