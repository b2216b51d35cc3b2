"""The trick `momentum`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import value
from .setting import SettingTrick

if TYPE_CHECKING:
    from ..stage import Stage


class Momentum(SettingTrick):
    """Sets the momentum of SGD and RMSprop, or beta1 of an Adam-like optimizer.

    ## What it does
    Sets `momentum` where an optimizer has it, else the first of its betas.

    ## Formula
    `v <- momentum v + g`, `theta <- theta - lr v`, torch's form of Polyak 1964. A gradient that
    stays the same moves the weights 1 / (1 - momentum) times as far as without.

    ## When
    Slow progress along a narrow valley of the loss. Sutskever et al. 2013, "On the importance of
    initialization and momentum in deep learning".

    ## Cost
    One more buffer per parameter where there was no momentum before.

    ## Conflicts and order
    After `optimizer`. A OneCycleLR or CyclicLR of the script moves the momentum by itself.

    ## Common mistakes
    Raising it without lowering the rate: from 0 to 0.9 the effective step grows tenfold. In
    Sutskever's form the rate is inside v, so published pairs of rate and momentum behave otherwise
    here as soon as the rate changes.
    """

    name = "momentum"
    family = "optimizer"
    momentum: float = value(low=0, high=1, open_high=True, help="such as 0.9")
    conflicts = ("betas",)
    unfit = "no optimizer of the script has momentum or betas"

    def attach_to(self, stage: Stage) -> None:
        """Refuses an RMSprop that has begun without: it would miss its buffer."""
        for optimizer in stage.optimizers:
            begun = [state for state in optimizer.state.values() if "square_avg" in state]
            if begun and not all("momentum_buffer" in state for state in begun):
                stage.refuse(self.name, "this RMSprop has taken steps without momentum")
        super().attach_to(stage)

    def settings(self, optimizer: Any, group: dict[str, Any]) -> dict[str, Any]:
        """Returns momentum, or the first of the betas."""
        if "momentum" in group:
            return {"momentum": self.momentum}
        if "betas" in group:
            return {"betas": (self.momentum, *group["betas"][1:])}
        return {}
