"""The trick `soft-labels`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Trick, value
from .roles import Roles

if TYPE_CHECKING:
    from ..stage import Stage

LOSSES = ("binary_cross_entropy", "binary_cross_entropy_with_logits", "mse_loss")


class SoftLabels(Trick):
    """Softens the label of real rows in the loss of a GAN's judge, and no other label.

    ## What it does
    In losses of networks that are given what no other network has made, labels that are all 1
    become the given value. It acts from the judge's second turn on, since in its first one it is
    not yet known that there is a judge. Labels of
    generated rows, and those of the generator's loss, stay as they are.

    ## Formula
    `y <- value` for real rows. Source: Salimans et al. 2016, "Improved techniques for training
    GANs", section 3.4: one-sided label smoothing.

    ## When
    The judge is sure of every row, and the generator's gradient is of no use (`discriminator-won`).

    ## Cost
    One comparison of the labels; where they lie on an accelerator, it is waited for.

    ## Conflicts and order
    Refused where the script has softened its labels already, and where nothing judges what another
    network makes within 64 backward passes.

    ## Common mistakes
    Softening the labels of generated rows as well: the best judge then prefers what is already made
    to what is real.
    """

    name = "soft-labels"
    family = "gan"
    changes_loss = "training"
    label: float = value(
        default=0.9, low=0.5, high=1, open_low=True, open_high=True, help="of real rows"
    )

    def __post_init__(self) -> None:
        self._known = False  # whether a judge is

    def attach_to(self, stage: Stage) -> None:
        """Exchanges labels before the loss is computed."""
        import torch

        roles = Roles(self.name, stage)

        def soften(given: Any, name: str) -> Any:
            args, kwargs = given
            if name not in LOSSES or not torch.is_grad_enabled():
                return given
            x = args[0] if args else kwargs.get("input")
            y = args[1] if len(args) > 1 else kwargs.get("target")
            if not isinstance(x, torch.Tensor) or not isinstance(y, torch.Tensor):
                return given
            self._known = self._known or roles.knows
            calls = roles.nearest(x) if self._known else []
            if not calls or any(call.below or call.fed for call in calls):
                return given
            low, high = float(y.min()), float(y.max())
            if low == high and 0.5 < low < 1:
                stage.refuse(self.name, f"the script gives real rows the label {low:g} already")
            if low != 1 or high != 1:
                return given
            soft = torch.full_like(y, self.label)
            if len(args) > 1:
                return (args[0], soft, *args[2:]), kwargs
            return args, {**kwargs, "target": soft}

        stage.change("loss", soften)

    def state_dict(self) -> dict[str, Any]:
        """Returns whether a judge is known."""
        return {"known": self._known}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on without a turn to find the judge."""
        self._known = bool(state["known"])
