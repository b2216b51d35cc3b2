"""Gradients that a GradScaler multiplied: unscaled before use, held back if they overflow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..together import Together

if TYPE_CHECKING:
    from torch import Tensor

    from ..stage import Stage


def gradients_of(optimizer: Any) -> Iterator[Tensor]:
    """Returns those gradients that there are."""
    held = (p.grad for group in optimizer.param_groups for p in group["params"])
    return (gradient for gradient in held if gradient is not None)


class Unscaling:
    """Unscales gradients before they are clipped or used, and holds steps that overflowed.

    Attributes:
        scaler: What multiplies the losses; None until that is known.
    """

    def __init__(self, scaler: Any = None) -> None:
        self.scaler = scaler
        self._stepped = False
        self._optimizers: list[Any] = []
        self._unscaled: set[Any] = set()

    def put_in_place(self, stage: Stage, trick: str) -> None:
        """Acts on clipping and steps.

        Args:
            stage: Where.
            trick: The name of the trick that does it, for what it refuses.
        """
        from torch.nn.utils import clip_grad

        self._together = Together(stage, trick)
        stage.each_optimizer(self._optimizers.append)
        stage.hold_steps(self._decide)
        stage.patches.wrap(clip_grad, "clip_grad_norm_", self._before_clip)
        stage.patches.wrap(clip_grad, "clip_grad_value_", self._before_clip)

    def end_iteration(self) -> None:
        """Lets the scale follow, after all steps of a backward pass, what they found.

        So it does where the script has cleared clipped gradients without a step.
        """
        given_up = (not any(bool(g.any()) for g in gradients_of(o)) for o in self._unscaled)
        if self._stepped or any(given_up):
            self.scaler.update()
            self._begin_iteration()

    def _begin_iteration(self) -> None:
        self._unscaled.clear()
        self._stepped = False

    def _unscale(self, optimizer: Any) -> None:
        if optimizer not in self._unscaled and any(True for _ in gradients_of(optimizer)):
            self._unscaled.add(optimizer)
            self.scaler.unscale_(optimizer)

    def _decide(self, optimizer: Any) -> bool:
        self._unscale(optimizer)
        found = self.scaler._per_optimizer_states[id(optimizer)]["found_inf_per_device"]
        self._stepped = self._stepped or bool(found)
        overflowed = any(bool(value.item()) for value in found.values())
        if not self._together.any(optimizer, flag=overflowed):
            return True
        for value in found.values():
            value.fill_(1.0)  # also where another rank's has overflowed: the scale follows
        return False

    def _before_clip(self, original: Any) -> Any:
        import torch

        def clip(parameters: Any, *args: Any, **kwargs: Any) -> Any:
            one = isinstance(parameters, torch.Tensor)
            clipped = [parameters] if one else list(parameters)
            meant = {id(p) for p in clipped}
            for optimizer in self._optimizers:
                if any(id(p) in meant for g in optimizer.param_groups for p in g["params"]):
                    self._unscale(optimizer)
            return original(clipped, *args, **kwargs)

        return clip


class Scaling(Unscaling):
    """A GradScaler around the backward passes and steps of a script that has none.

    Args:
        scale: the first one.
    """

    def __init__(self, scale: float) -> None:
        import torch

        device = "cuda" if torch.cuda.is_available() else "cpu"
        super().__init__(torch.amp.GradScaler(device, init_scale=scale))
        self.at_work = False  # `scale` is called by us, not by the script

    def put_in_place(self, stage: Stage, trick: str) -> None:
        """Acts on backward passes, clipping and steps."""
        stage.change("backward", self._backward)
        super().put_in_place(stage, trick)

    def _backward(self, roots: Any) -> Any:
        import torch

        if not isinstance(roots, (torch.Tensor, list, tuple)):
            return roots
        self.end_iteration()
        self.at_work = True
        scaled = self.scaler.scale(roots)
        self.at_work = False
        return scaled
