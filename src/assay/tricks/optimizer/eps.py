"""The trick `eps`."""

from __future__ import annotations

from typing import Any

from ..base import value
from .setting import SettingTrick


class Eps(SettingTrick):
    """Sets the number that keeps an adaptive optimizer from dividing by zero.

    ## What it does
    Sets eps of every optimizer that has one number of that name.

    ## Formula
    `theta <- theta - lr m / (sqrt(v) + eps)`: where sqrt(v) is far below eps the step is
    lr m / eps, as in plain momentum. Kingma and Ba 2015, "Adam".

    ## When
    Steps that jump when gradients become very small, since every coordinate is then scaled up to a
    full step: try 1e-6 to 1e-4. Choi et al. 2019, "On Empirical Comparisons of Optimizers", find
    that it is worth tuning.

    ## Cost
    None.

    ## Conflicts and order
    After `optimizer`. Adafactor has two such numbers and is left alone.

    ## Common mistakes
    1e-8 is exactly 0 in half precision: parameters kept in float16 become NaN at the first gradient
    of zero. torch's RMSprop adds eps outside the root, TensorFlow's inside: ported values differ.
    """

    name = "eps"
    family = "optimizer"
    eps: float = value(low=0, open_low=True, help="such as 1e-6")
    unfit = "no optimizer of the script has eps"

    def settings(self, optimizer: Any, group: dict[str, Any]) -> dict[str, Any]:
        """Replaces a single number."""
        return {"eps": self.eps} if isinstance(group.get("eps"), float) else {}
