"""Probe: what goes into the model, and how the loader that makes it is set."""

from __future__ import annotations

import weakref
from typing import Any, ClassVar

import torch

from ..seams.callsite import user_site
from ..watching.measures import moments, summary
from ..watching.probe import Probe

TENSORS_AT_MOST = 8
LABELS_AT_MOST = 100_000
BINS, NUMBERS_AT_MOST = 24, 8192
"""Of the histogram of an input's first sampled batch: bins, and how many numbers are looked at."""
NUMBERS_AT_LEAST = 32
"""Fewer have no deviation to speak of: the one or two rows that a gate sends to an expert."""


class Batches(Probe):
    """Numbers of each tensor given to a root module, and each loader's settings.

    Signals, by place `input 0`, or the keyword's name: `input_mean`, `input_std`, `input_min`,
    `input_max`, `input_nonfinite_share`, `input_nan_share` (NaN and +inf: what no mask holds),
    `input_fingerprint` (sum of the batch's values, equal for equal batches); once, by place
    `input 0 [7]`: `input_bin_share`, the share of numbers in bin 7 of 24 from lowest to highest; by
    module, where data that need no gradient enter a trainable layer: `layer_input_mean`,
    `layer_input_std`; event `input` with shape and dtype; event `loader`.
    """

    name = "batches"
    always: ClassVar = ("loader_created", "loader_begin")
    sampled: ClassVar = ("root_begin", "module_end")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._loaders: set[tuple[Any, ...]] = set()
        self._entered: set[str] = set()
        self._pictured: set[str] = set()
        self._sites: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()

    def iteration_begins(self) -> None:
        """Each layer's input counts once an iteration."""
        self._entered.clear()

    def on_loader_created(self, loader: Any) -> None:
        """Remembers the line that built it."""
        self._sites[loader] = user_site(2)

    def on_loader_begin(self, loader: Any) -> None:
        """Writes a loader's settings, once for each kind of loader."""
        sampler = getattr(loader, "sampler", None)
        data = getattr(loader, "dataset", None)
        try:
            size = len(data)  # type: ignore[arg-type]
        except (TypeError, NotImplementedError):
            size = None
        grad = torch.is_grad_enabled()
        key = (type(sampler).__name__, type(data).__name__, size, loader.batch_size, grad)
        if key in self._loaders or len(self._loaders) > 100:
            return
        self._loaders.add(key)
        order = label_order(data) if grad and key[0] == "SequentialSampler" else {}
        self.watch.event(
            "loader",
            sampler=key[0],
            dataset=key[1],
            size=size,
            batch_size=loader.batch_size,
            workers=getattr(loader, "num_workers", 0),
            drop_last=getattr(loader, "drop_last", False),
            grad=grad,
            built=self._sites.get(loader),
            **order,
        )

    def on_root_begin(self, module: Any, args: Any, kwargs: Any) -> None:
        """Looks at the tensors given to the model."""
        if self.watch.names.module(module) is None:
            return
        given: list[tuple[str, Any]] = [(f"input {i}", value) for i, value in enumerate(args)]
        given += list(kwargs.items())
        prefix = self.watch.names.prefix(module)
        tensors = [(prefix + k, v) for k, v in given if isinstance(v, torch.Tensor) and v.numel()]
        for place, tensor in tensors[:TENSORS_AT_MOST]:
            self._measure(place, tensor.detach())

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
        if tensor.layout is not torch.strided or tensor.is_complex() or tensor.dtype is torch.bool:
            return
        if not tensor.is_floating_point():
            put("input_min", place, tensor.min())
            put("input_max", place, tensor.max())
            put("input_fingerprint", place, tensor.sum())
            return
        found = summary(tensor)
        put("input_mean", place, found.mean)
        put("input_std", place, found.std)
        put("input_min", place, found.low)
        put("input_max", place, found.high)
        put("input_fingerprint", place, found.total)
        put("input_nonfinite_share", place, found.nonfinite_share)
        put("input_nan_share", place, found.nan_share)
        if place not in self._pictured and len(self._pictured) < TENSORS_AT_MOST:
            self._pictured.add(place)
            for number, share in enumerate(bin_shares(tensor, found.low, found.high)):
                put("input_bin_share", f"{place} [{number}]", share)


def bin_shares(tensor: torch.Tensor, low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
    """Share of the finite numbers in each of 24 bins of equal width from the lowest to the highest.

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


def label_order(data: Any) -> dict[str, float]:
    """How the labels of a dataset lie in its own order; empty where it doesn't show its labels.

    Returns:
        `labels_equal_next`: share of samples whose successor has the same label;
        `labels_equal_by_chance`: that share in a random order; `label_classes`: number of classes.
    """
    chosen = None
    if isinstance(data, torch.utils.data.Subset):
        data, chosen = data.dataset, data.indices
    held = getattr(data, "__dict__", {})
    tensors = held.get("tensors")
    labels: Any = tensors[-1] if tensors else held.get("targets", held.get("labels"))
    if labels is None:
        return {}
    try:
        labels = torch.as_tensor(labels if chosen is not None else labels[:LABELS_AT_MOST])
        if chosen is not None:
            labels = labels[torch.as_tensor(chosen[:LABELS_AT_MOST])]
    except (TypeError, ValueError, RuntimeError, IndexError):
        return {}
    if labels.dim() != 1 or labels.is_floating_point() or len(labels) < 2:
        return {}
    _, counts = torch.unique(labels, return_counts=True)
    share = counts / len(labels)
    return {
        "labels_equal_next": float((labels[1:] == labels[:-1]).float().mean()),
        "labels_equal_by_chance": float((share * share).sum()),
        "label_classes": len(counts),
    }
