"""The trick `clip-percentile`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Option, Trick
from .final import final_gradients

if TYPE_CHECKING:
    from torch import Tensor

    from ..stage import Stage


class ClipPercentile(Trick):
    """Clips the gradient norm at a percentile of its own recent history (AutoClip).

    ## What it does
    Keeps the norms of the last `window` steps and clips each step's gradient to a percentile of
    them, the present one included, so that the limit follows the training by itself.

    ## Formula
    `limit_t = percentile(||g_1||, ..., ||g_t||)`, then as `clip-norm`. Source: Seetharaman,
    Wichern, Pardo, Le Roux 2020, "AutoClip: Adaptive Gradient Clipping for Source Separation
    Networks"; the bounded window is ours: the paper keeps every norm since the start.

    ## When
    The right limit of `clip-norm` is unknown or changes over the run. The paper uses the 10th
    percentile; a high one (80 to 95) only cuts outliers.

    ## Cost
    One norm over all gradients and a percentile of at most `window` numbers.

    ## Conflicts and order
    Not together with `clip-norm`. Norms that are not finite are kept out of the history.

    ## Common mistakes
    Computing the norm twice, and keeping a history that grows without end.
    """

    name = "clip-percentile"
    family = "gradients"
    value = Option("value", float, 10.0, 0, 100, help="percentile of past norms, 0 to 100")
    options = (Option("window", int, 1000, 2, help="norms remembered"),)
    conflicts = ("clip-norm",)

    def __init__(self, value: Any = None, **options: Any) -> None:
        super().__init__(value, **options)
        self._norms: Tensor | None = None  # a ring: where the oldest stood the newest stands
        self._count = 0

    def attach_to(self, stage: Stage) -> None:
        """Clips when an optimizer's gradients are final."""
        import torch

        def clip(optimizer: Any) -> None:
            if not stage.meant(optimizer):
                return
            held, scale = final_gradients(optimizer)
            if not held:
                return
            norm = torch.nn.utils.get_total_norm([gradient for _, gradient in held])
            if not torch.isfinite(norm):
                return
            if self._norms is None or self._norms.device != norm.device:
                self._norms = self._ring(self._remembered(), norm.device)
            self._norms[self._count % self.given.window] = norm / scale
            self._count += 1
            limit = torch.quantile(self._norms[: self._count], self.given.value / 100)
            torch.nn.utils.clip_grads_with_norm_([p for p, _ in held], float(limit) * scale, norm)

        stage.on("gradients_ready", clip)

    def state_dict(self) -> dict[str, Any]:
        """The norms remembered."""
        return {"history": self._remembered()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on with kept norms."""
        history = state["history"][-self.given.window :]
        self._norms, self._count = self._ring(history, "cpu"), len(history)

    def _remembered(self) -> list[float]:
        if self._norms is None:
            return []
        oldest = self._count % self.given.window if self._count > self.given.window else 0
        kept: list[float] = self._norms[: self._count].roll(-oldest).tolist()
        return kept

    def _ring(self, history: list[float], device: Any) -> Tensor:
        import torch

        rest = [0.0] * (self.given.window - len(history))
        return torch.tensor(history + rest, dtype=torch.float32, device=device)
