"""The trick `match-target-shape`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Trick

if TYPE_CHECKING:
    from ..stage import Stage

ELEMENTWISE = (
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "huber_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
)


class MatchTargetShape(Trick):
    """Gives targets the shape of the predictions where both have equally many elements.

    ## What it does
    An elementwise loss of predictions [N, 1] and targets [N] broadcasts to [N, N] and compares
    every prediction with every target. Here the target is reshaped to the predictions' shape
    first.

    ## Formula
    `loss(x, t) -> loss(x, t.reshape(x.shape))` if `t` has as many elements as `x` and another
    shape. Source: the PyTorch documentation of `MSELoss` (input and target of the same shape).

    ## When
    The check `loss-shape-broadcast` has found predictions and targets that broadcast.

    ## Cost
    None.

    ## Conflicts and order
    Before all tricks that read targets. Shapes with different numbers of elements are left alone.

    ## Common mistakes
    Silencing torch's warning: the model then learns the mean of all targets.
    """

    name = "match-target-shape"
    family = "data"
    changes_loss = "training and evaluation"

    def attach_to(self, stage: Stage) -> None:
        """Reshapes before the loss is computed."""
        import torch

        def match(given: Any, name: str) -> Any:
            args, kwargs = given
            if name not in ELEMENTWISE:
                return given
            x = args[0] if args else kwargs.get("input")
            t = args[1] if len(args) > 1 else kwargs.get("target")
            if not isinstance(x, torch.Tensor) or not isinstance(t, torch.Tensor):
                return given
            if x.shape == t.shape or x.numel() != t.numel():
                return given
            t = t.reshape(x.shape)
            if len(args) > 1:
                return (args[0], t, *args[2:]), kwargs
            return args, {**kwargs, "target": t}

        stage.change("loss", match)
