"""Probe: what goes into the model, and how the loader that makes it is set."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from .base import Probe

TENSORS_AT_MOST = 8


class Batches(Probe):
    """Numbers of each tensor given to a root module, and each loader's settings.

    Signals, by place `input 0`, or the keyword's name: `input_mean`, `input_std`, `input_min`, `input_max`,
    `input_nonfinite_share`, `input_fingerprint` (sum of the batch's values, equal for equal batches); event
    `input` with shape and dtype; event `loader`; signal `data_wait_s`.
    """

    name = "batches"
    always: ClassVar = ("loader_begin",)
    sampled: ClassVar = ("root_begin", "batch")

    def on_loader_begin(self, loader: Any) -> None:
        """Writes a loader's settings, once for each place that iterates over it."""
        sampler = getattr(loader, "sampler", None)
        data = getattr(loader, "dataset", None)
        try:
            size = len(data)  # type: ignore[arg-type]
        except (TypeError, NotImplementedError):
            size = None
        self.watch.event_once(
            "loader",
            type(sampler).__name__,
            size,
            getattr(loader, "batch_size", None),
            sampler=type(sampler).__name__,
            dataset=type(data).__name__,
            size=size,
            batch_size=getattr(loader, "batch_size", None),
            workers=getattr(loader, "num_workers", 0),
            drop_last=getattr(loader, "drop_last", False),
            grad=torch.is_grad_enabled(),
        )

    def on_batch(self, loader: Any, batch: Any, waited: float) -> None:
        """How long the loop waited for its data."""
        self.watch.put("data_wait_s", "", waited)

    def on_root_begin(self, module: Any, args: Any, kwargs: Any) -> None:
        """Looks at the tensors given to the model."""
        given: list[tuple[str, Any]] = [(f"input {i}", value) for i, value in enumerate(args)]
        given += list(kwargs.items())
        prefix = self.watch.names.prefix(module)
        tensors = [(prefix + k, v) for k, v in given if isinstance(v, torch.Tensor) and v.numel()]
        for place, tensor in tensors[:TENSORS_AT_MOST]:
            self._measure(place, tensor.detach())

    def _measure(self, place: str, tensor: torch.Tensor) -> None:
        put = self.watch.put
        kind = str(tensor.dtype).removeprefix("torch.")
        self.watch.event_once(
            "input", place, tuple(tensor.shape[1:]), kind,
            place=place, shape=list(tensor.shape), dtype=kind,
        )  # fmt: skip
        if tensor.layout is not torch.strided or tensor.is_complex() or tensor.dtype is torch.bool:
            return
        if not tensor.is_floating_point():
            put("input_min", place, tensor.min())
            put("input_max", place, tensor.max())
            put("input_fingerprint", place, tensor.sum())
            return
        finite = torch.isfinite(tensor)
        values = torch.where(finite, tensor, 0).float()
        std, mean = torch.std_mean(values, correction=0)
        put("input_mean", place, mean)
        put("input_std", place, std)
        put("input_min", place, values.min())
        put("input_max", place, values.max())
        put("input_fingerprint", place, values.sum())
        put("input_nonfinite_share", place, 1 - finite.float().mean())
