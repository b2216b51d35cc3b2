"""The trick `two-time-scales`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import value
from ..rate.effective import Rate, scale
from ..rate.trick import RateTrick
from .roles import Roles

if TYPE_CHECKING:
    from ..stage import Stage


class TwoTimeScales(RateTrick):
    """Multiplies the rate of a GAN's judge, and leaves that of its generator.

    ## What it does
    Each step of an optimizer that holds the judge's weights is taken at a multiple of the script's
    rate. A scheduler of the script goes on as before, below the factor.

    ## Formula
    `rate of the judge <- factor * rate`. Source: Heusel, Ramsauer, Unterthiner, Nessler, Hochreiter
    2017, "GANs trained by a two time-scale update rule converge to a local Nash equilibrium"; 4
    times in Brock, Donahue, Simonyan 2019, "Large scale GAN training", appendix.

    ## When
    The generator runs ahead of its judge (`mode-collapse`: a factor above 1), or the judge is sure
    of every row (`discriminator-won`: a factor below 1).

    ## Cost
    None.

    ## Conflicts and order
    After `lr`, before schedules. Refused where nothing judges what another network makes within 64
    backward passes. Where one optimizer holds both players it does nothing.

    ## Common mistakes
    Stepping the judge more often and raising its rate as well, for the same end.
    """

    name = "two-time-scales"
    family = "gan"
    factor: float = value(default=4.0, low=0, open_low=True, help="of the judge's rate")

    def attach_to(self, stage: Stage) -> None:
        """Follows who judges, and has the rates of its optimizer changed."""
        self._roles = Roles(self.name, stage)
        super().attach_to(stage)

    def change(self, optimizer: Any, step: int, rates: list[Rate]) -> None:
        """Multiplies the rates of the judge's optimizer."""
        if self._roles.of(optimizer) == "judge":
            scale(rates, self.factor)
