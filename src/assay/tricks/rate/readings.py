"""The loss as a plateau reads it: means over steps, or over evaluations."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..stage import Stage


class Readings:
    """Adds losses up where they are and reads the sum once per reading.

    Args:
        stage: where losses are announced.
        every: steps in one reading of the training loss.
        watch: `train`: the losses that backward() is called on; `eval`: those computed with
            gradients off between two of them.
        tell: told each mean.
    """

    def __init__(
        self, stage: Stage, every: int, watch: str, tell: Callable[[float], object]
    ) -> None:
        self._every, self._tell = every, tell
        self._sum: Any = 0.0
        self._losses: Any = 0
        self._steps = 0
        self._first: weakref.ref[Any] | None = None
        self._scaled: tuple[Any, Any] | None = None
        if watch == "eval":
            stage.on("loss", self._evaluated)
            stage.on("backward_begin", self._evaluation_over)
        else:
            stage.on("scaled", self._on_scaled)
            stage.on("divided", self._on_scaled)
            stage.on("backward_begin", self._trained)
            stage.on("step_end", self._stepped)

    def _add(self, loss: Any) -> None:
        loss = loss.detach().float().reshape(())
        finite = loss.isfinite()  # the others are a scaler's overflows; counted where they are
        self._sum = self._sum + loss.where(finite, 0.0)
        self._losses = self._losses + finite

    def _read(self) -> None:
        if losses := int(self._losses):
            self._tell(float(self._sum) / losses)
        self._sum = self._losses = 0

    def _evaluated(self, name: str, function: Any, args: Any, kwargs: Any, result: Any) -> None:
        import torch

        if not torch.is_grad_enabled() and result.numel() == 1:
            self._add(result)

    def _evaluation_over(self, roots: Any, kept: Any) -> None:
        self._read()

    def _on_scaled(self, original: Any, scaled: Any) -> None:
        if hasattr(original, "detach") and original.numel() == 1:
            self._scaled = weakref.ref(scaled), self._behind(original).detach()

    def _behind(self, root: Any) -> Any:
        """Returns the loss that a scaled or divided one stands for."""
        known = self._scaled
        return known[1] if known is not None and known[0]() is root else root

    def _trained(self, roots: Any, kept: Any) -> None:
        for root in roots if isinstance(roots, (tuple, list)) else (roots,):
            root = self._behind(root)
            if root.numel() == 1 and root.is_floating_point():
                self._add(root)

    def _stepped(self, optimizer: Any) -> None:
        if self._first is None or self._first() is None:
            self._first = weakref.ref(optimizer)
        if self._first() is optimizer:
            self._steps += 1
            if self._steps % self._every == 0:
                self._read()

    def state_dict(self) -> dict[str, Any]:
        """Returns what is added up so far."""
        return {"sum": float(self._sum), "losses": int(self._losses), "steps": self._steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on adding."""
        self._sum, self._losses, self._steps = state["sum"], state["losses"], state["steps"]
