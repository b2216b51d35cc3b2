"""The trick `betas`."""

from __future__ import annotations

from typing import Any

from ..base import TrickError, option, value
from .setting import SettingTrick


class Betas(SettingTrick):
    """Sets how long an Adam-like optimizer remembers gradients and their squares.

    ## What it does
    Sets beta1 (`betas=0.9`), beta2 (`betas=0.9,beta2=0.95`) or only the second
    (`betas,beta2=0.95`) of every optimizer that has them.

    ## Formula
    `m <- beta1 m + (1 - beta1) g`, `v <- beta2 v + (1 - beta2) g^2`: a memory of about
    1 / (1 - beta) steps. Kingma and Ba 2015, "Adam".

    ## When
    beta2 0.95 where gradients change in size quickly (language models: Brown et al. 2020, GPT-3),
    0.999 where they are small and noisy. beta1 0 or 0.5 for GANs (Radford et al. 2016).

    ## Cost
    None.

    ## Conflicts and order
    After `optimizer`, which may bring the setting along. A OneCycleLR or CyclicLR of the script
    moves beta1 at each of its own steps, and so overrides it.

    ## Common mistakes
    Keeping beta2 at 0.999 in a run of a few hundred steps: bias correction makes the first steps
    right, but one large early gradient is then remembered to the end.
    """

    name = "betas"
    family = "optimizer"
    beta1: float | None = value(default=None, low=0, high=1, open_high=True, help="beta1")
    beta2: float | None = option(default=None, low=0, high=1, open_high=True, help="of the squares")
    unfit = "no optimizer of the script has betas"

    def __post_init__(self) -> None:
        """Requires one of them to be given."""
        if self.beta1 is None and self.beta2 is None:
            raise TrickError("betas needs a value: beta1, or beta2=, from 0 to below 1")

    def settings(self, optimizer: Any, group: dict[str, Any]) -> dict[str, Any]:
        """Replaces those that were given; a third one stays."""
        if "betas" not in group:
            return {}
        first, second, *rest = group["betas"]
        first = first if self.beta1 is None else self.beta1
        second = second if self.beta2 is None else self.beta2
        return {"betas": (first, second, *rest)}
