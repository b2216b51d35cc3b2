"""The check `norm-eps-suspicious`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import MODEL
from ...journal.view import Module, RunView
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where


class NormEpsSuspicious(Check):
    """Batch norm has an `eps` of 0.1 or more: a momentum was meant.

    ## What it does
    Reads the setting `eps` of each batch norm and instance norm of a model.

    ## Why it matters
    The second argument of `nn.BatchNorm2d(64, 0.8)` is `eps`, not `momentum`. Added to the
    variance, it keeps features of small variance small, so that the layer does not normalise them:
    with 0.8 a feature of variance 0.01 comes out with a spread of 0.11, not 1. In Keras the
    argument behind the axis is the momentum, which is how the number came to stand there.

    ## Evidence
    Exact: the setting. The default is 1e-5, and 1e-3 is in use.

    ## Known exceptions
    Silent: `eps` below 0.1, and the `eps` of optimizers and of layer norms.

    ## Example
    `nn.BatchNorm1d(256, 0.8)`.

    ## What to try
    Name the argument: `nn.BatchNorm1d(256, momentum=0.2)`. PyTorch's momentum is the share of the
    new batch, one minus that of Keras.

    ## References
    Ioffe and Szegedy, Batch Normalization, 2015: eps is "added to the variance for numerical
    stability". PyTorch documentation, `torch.nn.BatchNorm1d`.
    """

    name = "norm-eps-suspicious"
    family = "model"
    severity = "warning"
    tier = "exact"
    by_hand = "which of its arguments the number was meant for is the script's to say"
    needs = ("model",)
    reads = ("model",)
    limits = {
        "eps": Limit(0.1, "", "PyTorch's default is 1e-5, Keras' 1e-3; a momentum is 0.1 and more"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        """Yields a finding for each line that built such layers."""
        if next(run.events(MODEL), None) is None:
            return
        built: dict[object, list[Module]] = {}
        for module in run.modules:
            eps = module.settings.get("eps", 0.0)
            if is_norm_of_batch(module) and eps >= self.limit("eps"):
                built.setdefault(module.site or module.name, []).append(module)
        for modules in built.values():
            first, eps = modules[0], float(modules[0].settings["eps"])
            more = f" and {len(modules) - 1} more from the same line" if len(modules) > 1 else ""
            yield self.found(
                f"{first.kind} {first.name}{more} had an eps of {eps:g}",
                "eps is added to the variance: features of less variance than that are not "
                "normalised. The second argument is eps, and not momentum",
                try_=(
                    f"momentum={1 - eps if 0.5 < eps < 1 else eps:.2g} by name, if a momentum was "
                    "meant",
                    "the default eps of 1e-5",
                ),
                where=Where(module=first.name, site=first.site),
                evidence=(Evidence("eps", eps, self.limit("eps"), ""),),
                began=(0, 0),
            )


def is_norm_of_batch(module: Module) -> bool:
    """Whether a module normalises by a mean and a variance over samples or places."""
    return (
        module.kind.removeprefix("Sync")
        .removeprefix("Lazy")
        .startswith(("BatchNorm", "InstanceNorm"))
    )
