"""The state of one optimizer's accumulation window."""

from __future__ import annotations

from typing import Any


class Window:
    """Counts the backward passes and targets since an optimizer's last real step.

    Args:
        size: backward passes per step.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.passes = 0
        self._steps_held = 0
        self._reference = 1.0
        self._targets = 0.0
        self._averaged = False

    @property
    def pending(self) -> bool:
        """Whether gradients that must not be cleared are being gathered."""
        return self._steps_held > 0

    @property
    def filling(self) -> bool:
        """Whether the script's next step will be held back."""
        return self._steps_held + 1 < self.size and self.passes > 0

    def add(self, targets: float) -> float:
        """Notes a backward pass over so many targets; returns the factor for its loss.

        The factor keeps the size of the first pass, so that a half precision loss keeps its range.
        """
        if self.passes == 0:
            self._reference = targets or 1.0
        self.passes += 1
        self._targets += targets
        return targets / self._reference

    def ready(self, optimizer: Any) -> bool:
        """The script wants to step: True if the window is full, with the gradient averaged."""
        self._steps_held += 1
        if self._steps_held < self.size:
            return False
        self.average(optimizer)
        self._begin()
        return True

    def average(self, optimizer: Any) -> None:
        """Turns the sum over the window into the mean over its targets, once."""
        import torch

        if self._averaged or self.passes == 0:
            return
        self._averaged = True
        factor = self._reference / self._targets if self._targets else 0.0
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        gradients = [p.grad for p in parameters if p.grad is not None]
        if gradients and factor != 1.0:
            with torch.no_grad():
                torch._foreach_mul_(gradients, factor)

    def flush(self, optimizer: Any) -> bool:
        """Makes the rest of a window ready to be stepped; False if there is none."""
        if not self.pending:
            return False
        self._steps_held = self.size - 1
        return True

    def _begin(self) -> None:
        self.passes = self._steps_held = 0
        self._targets, self._averaged = 0.0, False
