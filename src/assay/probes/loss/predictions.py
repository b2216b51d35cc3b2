"""Probe: which class a model predicts, and how often that one."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from ...seams.arguments import bind
from ...seams.callsite import place_at, user_site
from ...watching.probe import Probe

CLASSES_AT_MOST = 64
BINARY = {"binary_cross_entropy": 0.5, "binary_cross_entropy_with_logits": 0.0}
"""Losses of two classes, and the input from which on the prediction is the class 1."""


class Predictions(Probe):
    """Records the class that is predicted for most samples of a batch, and for how many.

    Of losses of two classes also the share of targets that are 1, where all are 0 or 1.
    """

    name = "predictions"
    sampled: ClassVar = ("loss",)

    def on_loss(self, name: str, function: Any, args: Any, kwargs: Any, result: Any) -> None:
        """Looks at one call whose loss has a gradient."""
        if not isinstance(result, torch.Tensor) or not result.requires_grad:
            return
        given = bind(function, args, kwargs)
        source, target = given.get("input"), given.get("target")
        if not isinstance(source, torch.Tensor) or not isinstance(target, torch.Tensor):
            return
        if not source.numel():
            return
        put, site = self.watch.put, user_site(2)
        place = place_at(name, site)
        if name in BINARY and source.shape == target.shape:
            ones = (source > BINARY[name]).float().mean()
            put("prediction_top_share", place, torch.maximum(ones, 1 - ones))
            put("prediction_top_label", place, (ones > 0.5).float())
            plain = ((target == 0) | (target == 1)).all()
            put("target_ones_share", place, torch.where(plain, target.float().mean(), torch.nan))
        elif name in ("cross_entropy", "nll_loss") and source.dim() == 2 and target.dim() == 1:
            classes = source.shape[1]
            if 2 <= classes <= CLASSES_AT_MOST and not target.is_floating_point():
                labels = torch.arange(classes, device=source.device)
                counts = (source.argmax(1)[:, None] == labels).sum(0)  # bincount would wait
                put("prediction_top_share", place, counts.max() / source.shape[0])
                put("prediction_top_label", place, counts.argmax().float())
