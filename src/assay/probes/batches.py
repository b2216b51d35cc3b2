"""Probe: what goes into the model."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from ..watching.context import ProbeContext
from ..watching.measures import moments, summary
from ..watching.probe import Probe

TENSORS_AT_MOST = 8
BINS, NUMBERS_AT_MOST = 24, 8192
"""Of the histogram of an input's first sampled batch: bins, and how many numbers are looked at."""
NUMBERS_AT_LEAST = 32
"""Fewer have no deviation to speak of: the one or two rows that a gate sends to an expert."""


class Batches(Probe):
    """Numbers of each tensor given to a root module.

    Signals, by place `input 0`, or the keyword's name: `input_mean`, `input_std`, `input_min`,
    `input_max`, `input_nonfinite_share`, `input_nan_share` (NaN and +inf: what no mask holds),
    `input_fingerprint` (sum of the batch's values, equal for equal batches); once, by place
    `input 0 [7]`: `input_bin_share`, the share of numbers in bin 7 of 24 from lowest to highest; by
    module, where data that need no gradient enter a trainable layer: `layer_input_mean`,
    `layer_input_std`; event `input` with shape and dtype.
    """

    name = "batches"
    sampled: ClassVar = ("root_begin", "module_end")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._entered: set[str] = set()
        self._pictured: set[str] = set()

    def iteration_begins(self) -> None:
        """Forgets which layers were measured: each input counts once an iteration."""
        self._entered.clear()

    def on_root_begin(self, module: Any, args: Any, kwargs: Any) -> None:
        """Looks at the tensors given to the model."""
        if self.watch.names.module(module) is None:
            return
        for place, tensor in inputs_of(self.watch, module, args, kwargs):
            self._measure(place, tensor)

    def on_module_end(self, module: Any, args: Any, result: Any) -> None:
        """Looks at what enters a trainable layer straight from the data."""
        source = args[0] if args else None
        if (
            not isinstance(source, torch.Tensor)
            or source.requires_grad
            or not source.is_floating_point()
            or source.layout is not torch.strided
            or source.numel() < NUMBERS_AT_LEAST
            or len(self._entered) >= TENSORS_AT_MOST
            or next(module.children(), None) is not None
        ):
            return
        place = self.watch.names.module(module)
        weights = module.parameters(recurse=False)
        if place is None or not any(p.requires_grad and p.dim() > 1 for p in weights):
            return
        self._entered.add(place)
        mean, std = moments(source)
        self.watch.put("layer_input_mean", place, mean)
        self.watch.put("layer_input_std", place, std)

    def _measure(self, place: str, tensor: torch.Tensor) -> None:
        put = self.watch.put
        kind = str(tensor.dtype).removeprefix("torch.")
        self.watch.event_once(
            "input", place, tuple(tensor.shape[1:]), kind,
            place=place, shape=list(tensor.shape), dtype=kind,
        )  # fmt: skip
        numbers = input_numbers(tensor)
        for name, value in numbers.items():
            put(f"input_{name}", place, value)
        if not numbers or not tensor.is_floating_point():
            return
        if place not in self._pictured and len(self._pictured) < TENSORS_AT_MOST:
            self._pictured.add(place)
            for number, share in enumerate(bin_shares(tensor, numbers["min"], numbers["max"])):
                put("input_bin_share", f"{place} [{number}]", share)


def inputs_of(
    watch: ProbeContext, module: torch.nn.Module, args: Any, kwargs: Any
) -> list[tuple[str, torch.Tensor]]:
    """Yields the tensors that a call of a root module is given, with their places."""
    given: list[tuple[str, Any]] = [(f"input {i}", value) for i, value in enumerate(args)]
    given += list(kwargs.items())
    prefix = watch.names.prefix(module)
    tensors = [
        (prefix + k, v.detach()) for k, v in given if isinstance(v, torch.Tensor) and v.numel()
    ]
    return tensors[:TENSORS_AT_MOST]


def input_numbers(tensor: torch.Tensor) -> dict[str, Any]:
    """Measures an input: scalars on their device, by name. Empty for masks and such."""
    if tensor.layout is not torch.strided or tensor.is_complex() or tensor.dtype is torch.bool:
        return {}
    if not tensor.is_floating_point():
        return {"min": tensor.min(), "max": tensor.max(), "fingerprint": tensor.sum()}
    found = summary(tensor)
    return {
        "mean": found.mean,
        "std": found.std,
        "min": found.low,
        "max": found.high,
        "fingerprint": found.total,
        "nonfinite_share": found.nonfinite_share,
        "nan_share": found.nan_share,
    }


def bin_shares(tensor: torch.Tensor, low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
    """Returns the share of the finite numbers in each of 24 equal bins, lowest to highest.

    Nothing waits for an accelerator: torch.histc would.

    Args:
        tensor: Of any shape; of many numbers every n-th is looked at.
        low: The lowest finite number.
        high: The highest.
    """
    chosen = tensor.reshape(-1)[:: max(tensor.numel() // NUMBERS_AT_MOST, 1)].to(low.dtype)
    finite = torch.isfinite(chosen)
    # halves, so that the width can't overflow
    width = torch.where(high > low, high / 2 - low / 2, 1)
    bins = (torch.where(finite, chosen, low) / 2 - low / 2) / width * BINS
    counts = chosen.new_zeros(BINS)
    counts.scatter_add_(0, bins.long().clamp_(0, BINS - 1), finite.to(counts.dtype))
    return counts / finite.sum()
