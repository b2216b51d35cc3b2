"""The trick `clip-percentile`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Trick, option, value
from ..per_optimizer import PerOptimizer
from .final import final_gradients

if TYPE_CHECKING:
    from torch import Tensor

    from ..stage import Stage


class History:
    """The last norms of one optimizer's gradients, on their device: a ring.

    Args:
        norms: those that are already known, oldest first.
        size: how many are remembered.
    """

    def __init__(self, norms: list[float], size: int) -> None:
        import torch

        norms = norms[-size:]
        self._count, self._size = len(norms), size
        # where the oldest stood the newest stands
        self._ring = torch.tensor(norms + [0.0] * (size - len(norms)), dtype=torch.float32)

    def add(self, norm: Tensor) -> None:
        """Remembers one more."""
        if self._ring.device != norm.device:
            self._ring = self._ring.to(norm.device)
        self._ring[self._count % self._size] = norm
        self._count += 1

    def percentile(self, value: float) -> float:
        """Returns the percentile of all norms that are remembered."""
        import torch

        return float(torch.quantile(self._ring[: self._count], value / 100))

    def norms(self) -> list[float]:
        """Returns all norms that are remembered, oldest first."""
        oldest = self._count % self._size if self._count > self._size else 0
        kept: list[float] = self._ring[: self._count].roll(-oldest).tolist()
        return kept


class ClipPercentile(Trick):
    """Clips the gradient norm at a percentile of its own recent history (AutoClip).

    ## What it does
    Keeps the norms of an optimizer's last `window` steps and clips each step's gradient to a
    percentile of them, the present one included, so that the limit follows the training by itself.

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
    percentile: float = value(default=10.0, low=0, high=100, help="percentile of past norms")
    window: int = option(default=1000, low=2, help="norms remembered")
    conflicts = ("clip-norm",)

    def __post_init__(self) -> None:
        self._histories = PerOptimizer(lambda: History([], self.window))

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
            history = self._histories.of(optimizer)
            history.add(norm / scale)
            limit = history.percentile(self.percentile) * scale
            torch.nn.utils.clip_grads_with_norm_([p for p, _ in held], limit, norm)

        stage.on("gradients_ready", clip)

    def state_dict(self) -> dict[str, Any]:
        """Returns the norms remembered, by optimizer."""
        return {"history": [history.norms() for history in self._histories.all()]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on with kept norms; optimizers take their first steps in the same order."""
        self._histories.resume([History(norms, self.window) for norms in state["history"]])
