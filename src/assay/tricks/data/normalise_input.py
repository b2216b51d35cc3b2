"""The trick `normalise-input`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Trick, value

if TYPE_CHECKING:
    from torch import Tensor

    from ..stage import Stage

SPREAD_FLOOR = 0.01
"""A feature whose spread is below this share of the whole batch's is divided by that instead: a
pixel that is constant in the first batch must not be blown up when it changes later."""


class NormaliseInput(Trick):
    """Shifts and scales what enters the model, by statistics of the first training batch.

    ## What it does
    The first floating-point argument of every outermost call, in training and evaluation alike, is
    normalised with one fixed mean and spread, taken from the first batch that the model is trained
    on: per channel for images and sequences of vectors, per feature for tables.

    ## Formula
    `x <- (x - mean) / std` (`standard`) or `x <- (x - min) / (max - min)` over the whole batch
    (`unit`). Source: LeCun, Bottou, Orr, Müller 1998, "Efficient BackProp", section 4.3.

    ## When
    The check `input-not-normalised` has found raw pixels of 0 to 255 or features of very different
    size.

    ## Cost
    One subtraction and one division of the input.

    ## Conflicts and order
    First of all. Token numbers and other integers are left alone.

    ## Common mistakes
    Normalising each batch by its own statistics, or training and test data by different ones.
    """

    name = "normalise-input"
    family = "data"
    by_hand = (
        "subtract the mean of the training data and divide by its spread where the data are "
        "loaded, for training and test alike"
    )
    rule: str = value(default="standard", choices=("standard", "unit"), help="which rule")

    def __post_init__(self) -> None:
        self._statistics: tuple[Tensor, Tensor] | None = None

    def attach_to(self, stage: Stage) -> None:
        """Normalises the first argument of each outermost call."""
        import torch

        def call(given: Any, module: Any) -> Any:
            args, kwargs = given
            name = None if args else next(iter(kwargs), None)
            x = args[0] if args else kwargs.get(name)
            numbers = isinstance(x, torch.Tensor) and x.is_floating_point() and x.dim() > 1
            if not numbers or not stage.meant_model(module):
                return given
            if self._statistics is None:
                if not torch.is_grad_enabled():
                    return given
                with torch.no_grad():
                    self._statistics = self._measure(x)
                stage.note("normalised", mean=float(self._statistics[0].mean()))
            shift, scale = self._statistics
            x = (x - shift) / scale
            return ((x, *args[1:]), kwargs) if args else (args, {**kwargs, str(name): x})

        stage.root_calls(call)

    def _measure(self, x: Tensor) -> tuple[Tensor, Tensor]:
        import torch

        if self.rule == "unit":
            low, high = x.min(), x.max()
            return low, (high - low).clamp_min(1e-12)
        channel = 1 if x.dim() >= 4 else x.dim() - 1
        others = [i for i in range(x.dim()) if i != channel]
        std, mean = torch.std_mean(x, dim=others, keepdim=True, correction=0)
        return mean, std.clamp_min(SPREAD_FLOOR * float(x.std()) + 1e-12)

    def state_dict(self) -> dict[str, Any]:
        """Returns mean and spread."""
        return {"statistics": self._statistics}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on with the same statistics."""
        self._statistics = state["statistics"]
