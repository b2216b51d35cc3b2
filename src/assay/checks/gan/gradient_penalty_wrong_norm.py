"""The check `gradient-penalty-wrong-norm`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import GRADIENT_PENALTY
from ...journal.view import RunView, Site
from ..base import Limit
from ..finding import Evidence, Finding, Where
from ._players import OfPlayers


class GradientPenaltyWrongNorm(OfPlayers):
    """The gradient penalty takes a norm over channels and not over the whole of each sample.

    ## What it does
    Assay notes each slope at an input that becomes part of a loss, and the dimensions of the norm
    that is taken of it in torch's own graph. It reports a norm of pictures that leaves dimensions
    of a sample out, or runs over the batch.

    ## Why it matters
    The slope of each pixel is drawn to 1 in place of that of each picture. The critic of a picture
    of 28 x 28 then has a slope of 28 where 1 was meant, and the penalty bounds something else.

    ## Evidence
    Exact: shape and dimensions, as torch has kept them (`gradient_penalty` events).

    ## Known exceptions
    Silent: slopes that are flattened first, sums of squares (R1, R2), slopes of points, and losses
    of networks that judge nothing.

    ## Example
    `((gradients.norm(2, dim=1) - 1) ** 2).mean()` with gradients of shape (64, 3, 32, 32).

    ## What to try
    `gradients.flatten(1).norm(2, dim=1)`.

    ## References
    Gulrajani et al., "Improved training of Wasserstein GANs", 2017, algorithm 1. The mistake is
    common: github.com/caogang/wgan-gp/issues/27, github.com/eriklindernoren/PyTorch-GAN/issues/20.
    """

    name = "gradient-penalty-wrong-norm"
    family = "gan"
    severity = "error"
    tier = "exact"
    by_hand = "the dimension of a norm is a number in the script"
    reads = ("turn", "gradient_penalty")
    limits = {
        "dimensions": Limit(3, "dimensions", "definition: rows of numbers have one norm each way")
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for event in run.events(GRADIENT_PENALTY):
            shape, over = event.data["shape"], event.data["over"]
            whole = list(range(1, len(shape)))
            if over is None or len(shape) < self.limit("dimensions") or over == whole:
                continue
            sizes = " x ".join(map(str, shape))
            which = "all dimensions" if len(over) == len(shape) else f"dimension {over[0]}"
            if 1 < len(over) < len(shape):
                which = f"dimensions {', '.join(map(str, over))}"
            yield self.found(
                f"the norm of a slope of {sizes} was taken over {which}: one number for "
                f"{'the batch' if 0 in over else 'each place of each sample'}, and not one for "
                "each sample",
                "the penalty draws each of these norms to its target, which bounds another slope "
                "than that of the critic at a sample",
                try_=("flatten the slope first: gradients.flatten(1).norm(2, dim=1)",),
                where=Where(site=Site.read(event.data["line"])),
                steps=(event.step, event.step),
                evidence=(Evidence("gradient_penalty", len(over), len(whole), "dimensions"),),
                process=event.process,
            )
