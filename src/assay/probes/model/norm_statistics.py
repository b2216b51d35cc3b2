"""Probe: what batch norm takes its statistics over, and how far its averages lie from them."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch.nn.modules.batchnorm import _BatchNorm

from ...watching.probe import Probe

MODULES_AT_MOST = 64
NUMBERS_AT_MOST = 1 << 20
"""Of an input; of a larger one fewer channels are looked at."""


class NormStatistics(Probe):
    """Compares the batch's statistics with the running ones, where batch norm is in training mode.

    Signals by module, of full samples: `norm_rows`, samples in the batch; `norm_values`,
    numbers that the statistics of one channel are taken over; `norm_updates`, updates of the
    running statistics so far; `norm_offset`, the distance of the running mean from the batch's in
    running deviations, root mean square over channels; `norm_spread_ratio`, the running deviation
    over the batch's, geometric mean over channels.
    """

    name = "norm_statistics"
    sampled: ClassVar = ("module_end",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._places: set[str] = set()

    def on_module_end(self, module: Any, args: Any, result: Any) -> None:
        """Measures what a batch norm was given, after it has updated its averages."""
        if not isinstance(module, _BatchNorm) or not module.training:
            return
        watch, given = self.watch, args[0] if args else None
        if module.running_mean is None or module.running_var is None or not watch.is_full:
            return
        place = watch.names.module(module)
        if place is None or not isinstance(given, torch.Tensor) or given.dim() < 2:
            return
        if place not in self._places and len(self._places) >= MODULES_AT_MOST:
            return
        self._places.add(place)
        channels = given.shape[1]
        values = given.numel() // max(channels, 1)
        watch.put("norm_rows", place, len(given))
        watch.put("norm_values", place, values)
        if module.num_batches_tracked is not None:
            watch.put("norm_updates", place, module.num_batches_tracked)
        if values < 2:
            return
        few = max(NUMBERS_AT_MOST // values, 1)
        chosen = given.detach()[:, :few].float()
        others = [dim for dim in range(given.dim()) if dim != 1]
        mean = chosen.mean(others, keepdim=True)  # torch.var_mean takes four times as long
        variance = torch.linalg.vector_norm(chosen - mean, dim=others).square() / (values - 1)
        mean = mean.flatten()
        running, spread = module.running_mean[:few].float(), module.running_var[:few].float()
        offset = (running - mean).square() / (spread + module.eps)
        ratio = ((spread + module.eps) / (variance + module.eps)).log().mean() / 2
        watch.put("norm_offset", place, offset.mean().sqrt())
        watch.put("norm_spread_ratio", place, ratio.exp())
