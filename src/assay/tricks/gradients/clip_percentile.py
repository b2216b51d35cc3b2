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
        self._history: list[Tensor] = []

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
            self._history.append((norm / scale).float())
            del self._history[: -self.given.window]
            limit = torch.quantile(torch.stack(self._history), self.given.value / 100)
            torch.nn.utils.clip_grads_with_norm_([p for p, _ in held], float(limit) * scale, norm)

        stage.on("gradients_ready", clip)

    def state_dict(self) -> dict[str, Any]:
        """The norms remembered."""
        return {"history": [float(norm) for norm in self._history]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on with kept norms."""
        import torch

        self._history = [torch.tensor(norm) for norm in state["history"]]
