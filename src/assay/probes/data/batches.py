"""Probe: what goes into the model."""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar

import torch
from torch.multiprocessing.reductions import StorageWeakRef

from ...replay.structure import leaves, tensors
from ...seams.recording import is_plain
from ...watching.context import ProbeContext
from ...watching.measures import moments, summary
from ...watching.probe import Probe
from .contents import Contents
from .overlap import Overlap
from .tokens import Tokens

TENSORS_AT_MOST = 8
BINS, NUMBERS_AT_MOST = 24, 8192
"""Of the histogram of an input's first sampled batch: bins, and how many numbers are looked at."""
RESULTS_AT_MOST = 64
"""Results of models that are remembered, by what does not keep them alive."""
NUMBERS_AT_LEAST = 32
"""Fewer have no deviation to speak of: the one or two rows that a gate sends to an expert."""


class Batches(Probe):
    """Numbers of each tensor given to a root module, unless a module of the user's computed it.

    Signals, by place `input 0`, or the keyword's name: `input_mean`, `input_std`, `input_min`,
    `input_max`, `input_nonfinite_share`, `input_nan_share` (NaN and +inf: what no mask holds),
    `input_fingerprint` (sum of the batch's values, equal for equal batches); once, by place
    `input 0 [7]`: `input_bin_share`, the share of numbers in bin 7 of 24 from lowest to highest; by
    module, where data that need no gradient enter a trainable layer: `layer_input_mean`,
    `layer_input_std`; event `input` with shape and dtype.
    """

    name = "batches"
    sampled: ClassVar = ("root_begin", "module_end", "root_end")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._contents = watch.shared(Contents)
        self._overlap = watch.shared(Overlap)
        self._tokens = watch.shared(Tokens)
        self._entered: set[str] = set()
        self._pictured: set[str] = set()
        self._given: set[int] = set()
        self._computed: deque[StorageWeakRef] = deque(maxlen=RESULTS_AT_MOST)

    def iteration_begins(self) -> None:
        """Forgets which layers were measured: each input counts once an iteration."""
        self._entered.clear()

    def on_root_begin(self, module: Any, args: Any, kwargs: Any) -> None:
        """Looks at the tensors given to the model."""
        if self.watch.names.module(module) is None:
            return
        self._given.clear()
        for place, tensor in inputs_of(self.watch, module, args, kwargs):
            if not self._is_computed(tensor):
                self._measure(place, tensor)
                self._contents.add(place, tensor)
                self._overlap.add(place, tensor)
                self._tokens.add(place, tensor)

    def on_root_end(self, module: Any, result: Any) -> None:
        """Remembers what a model computed, by its memory: `detach` makes no data of it."""
        if next(module.parameters(), None) is not None:
            for tensor in tensors(result):
                memory = _memory(tensor)
                if memory is not None and memory._cdata not in self._given:
                    self._computed.append(StorageWeakRef(memory))

    def _is_computed(self, tensor: torch.Tensor) -> bool:
        """Whether a model made this: the features that a head gets, a generator's picture.

        A leaf that needs gradients, such as an adversarial example, is data.
        """
        memory = _memory(tensor)
        if memory is None:
            return tensor.grad_fn is not None
        self._given.add(memory._cdata)
        return tensor.grad_fn is not None or any(
            known.cdata == memory._cdata for known in self._computed
        )

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


def _memory(tensor: torch.Tensor) -> torch.UntypedStorage | None:
    """Returns what holds a tensor's numbers; None for sparse and other special tensors."""
    plain = tensor.layout is torch.strided and is_plain(tensor)
    return tensor.untyped_storage() if plain else None


def inputs_of(
    watch: ProbeContext, module: torch.nn.Module, args: Any, kwargs: Any
) -> list[tuple[str, torch.Tensor]]:
    """Yields the tensors that a call of a root module is given, with their places.

    Of a batch that a DistributedDataParallel is given as a whole, as Lightning's is, the first one.
    """
    given: list[tuple[str, Any]] = [(f"input {i}", value) for i, value in enumerate(args)]
    given += list(kwargs.items())
    prefix = watch.names.prefix(module)
    tensors = [(prefix + k, v) for k, v in given if isinstance(v, torch.Tensor) and v.numel()]
    if not tensors and isinstance(module, torch.nn.parallel.DistributedDataParallel):
        first = next(
            (t for _, t in leaves(args) if isinstance(t, torch.Tensor) and t.numel()), None
        )
        return [] if first is None else [(f"{prefix}input 0", first)]
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
