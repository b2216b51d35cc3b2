"""Probe: whether a data set's own arrays change as samples are read."""

from __future__ import annotations

import weakref
from typing import Any, ClassVar

import torch
from torch import Tensor

from ...replay.structure import tensors
from ...watching.probe import Probe

PASSES_AT_MOST = 8
"""Passes over a data set whose first batch is looked at."""
SETS_AT_MOST, ARRAYS_AT_MOST = 16, 8
NUMBERS_AT_MOST = 1 << 20
"""Numbers of a batch that are kept for a moment."""


class ChangedData(Probe):
    """Compares the rows of a data set's arrays before and after they are read.

    Event `data_changed`, each time: an array with one row for each sample held other numbers after
    a DataLoader had read the first batch of a pass, and what was handed out are those numbers.
    Only without workers, which read from copies.
    """

    name = "changed_data"
    always: ClassVar = ("loader_begin",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._passes: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._data: Any = None
        self._before: list[tuple[str, Any, Tensor]] = []

    def on_loader_begin(self, loader: Any) -> None:
        """Looks at the first batch of this pass."""
        self._forget()
        data = getattr(loader, "dataset", None)
        if getattr(loader, "num_workers", 1) or not torch.is_grad_enabled():
            return
        try:
            passes = self._passes.get(data, 0)
            if passes >= PASSES_AT_MOST or len(self._passes) >= SETS_AT_MOST:
                return
            self._passes[data] = passes + 1
        except TypeError:  # a list, or what can't be held weakly
            return
        self._data = data
        self.watch.listen("indices", self._on_indices)
        self.watch.listen("batch", self._on_batch)

    def _on_indices(self, loader: Any, iterator: Any, indices: Any) -> None:
        """Keeps the rows that are about to be read."""
        self.watch.unlisten("indices", self._on_indices)
        data = self._data
        chosen = list(indices) if isinstance(indices, (list, tuple)) else []
        if isinstance(data, torch.utils.data.Subset) and chosen:
            chosen = [data.indices[i] for i in chosen]
            data = data.dataset
        if not all(type(i) is int for i in chosen):
            return
        with torch.no_grad(), self.watch.unrecorded():
            for name, array in _arrays(data)[:ARRAYS_AT_MOST] if chosen else ():
                rows = _rows(array, chosen)
                if rows is not None:
                    self._before.append((name, lambda a=array: _rows(a, chosen), rows))

    def _on_batch(self, loader: Any, batch: Any, waited: float) -> None:
        """Compares them with what is there now, and with what was handed out."""
        before = list(self._before)
        self._forget()
        with torch.no_grad(), self.watch.unrecorded():
            for name, read, rows in before:
                now = read()
                if now is None or torch.equal(rows, now):
                    continue
                given = [t for t in tensors(batch) if t.shape == now.shape]
                if any(torch.equal(t.to(now.dtype), now) for t in given):
                    self.watch.event(
                        "data_changed", name=name, dataset=type(self._data).__name__,
                        passed=self._passes.get(self._data, 0),
                        before=float(rows.abs().mean()), after=float(now.abs().mean()),
                    )  # fmt: skip

    def _forget(self) -> None:
        self._before.clear()
        self.watch.unlisten("indices", self._on_indices)
        self.watch.unlisten("batch", self._on_batch)


def _arrays(data: Any) -> list[tuple[str, Any]]:
    """Returns the tensors and arrays of numbers that a data set holds, one row for each sample."""
    try:
        size = len(data)
    except (TypeError, NotImplementedError):
        return []
    return [
        (name, held)
        for name, held in list(getattr(data, "__dict__", {}).items())
        if (isinstance(held, Tensor) or type(held).__module__ == "numpy")
        and getattr(held, "ndim", 0) > 0
        and len(held) == size
    ]


def _rows(array: Any, chosen: list[int]) -> Tensor | None:
    """Returns a copy of some rows; None of what holds no numbers with a point, or too many."""
    if isinstance(array, Tensor):
        plain = array.layout is torch.strided and array.is_floating_point() and array.is_cpu
        if not plain or array.requires_grad:
            return None
        rows = array.detach()[chosen]
    elif array.dtype.kind == "f" and array.dtype.itemsize in (4, 8):
        rows = torch.from_numpy(array[chosen])
    else:
        return None
    return rows if rows.numel() <= NUMBERS_AT_MOST else None
