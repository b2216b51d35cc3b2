"""One training: what is known, step by step, of one optimizer."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from time import monotonic
from typing import Any

import torch

from ..journal.numbers import compact
from ..journal.writer import FLUSH_SECONDS, Journal

STEPS_PER_LINE = 1024


class ByHand:
    """Stands for the optimizer where a script changes its weights itself.

    Its one group holds the leaves whose gradients were last taken, weakly, and no rate: nobody
    told it. `passed_at` is the line that first took them: which one changes the weights is unknown.
    """

    def __init__(self) -> None:
        self.passed_at: tuple[str, int, str] | None = None
        self._leaves: list[weakref.ref[torch.Tensor]] = []

    def hold(self, leaves: list[torch.Tensor]) -> None:
        """Notes that these are the weights now."""
        self._leaves = [weakref.ref(leaf) for leaf in leaves]

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """As an optimizer has them."""
        return [{"params": [leaf for ref in self._leaves if (leaf := ref()) is not None]}]


class TrainingLog:
    """Keeps the always-on series of one optimizer (loss, rates) and writes them in blocks.

    Losses on an accelerator stay there until a block is written, then come over in one copy.
    """

    def __init__(self, index: int, optimizer: Any, journal: Journal) -> None:
        self.index = index
        self.optimizer: Callable[[], Any] = weakref.ref(optimizer)
        self._journal = journal
        self.losses: list[float | torch.Tensor | None] = []
        self.rates: list[float] = []
        self._rates_before: list[float] = []  # this block
        self._changes: dict[int, list[float]] = {}  # by position in this block
        self._first = 0
        self._since = monotonic()

    @property
    def step(self) -> int:
        """Steps taken so far."""
        return self._first + len(self.losses)

    def known_rates(self, rates: list[Any], *, look: bool) -> list[Any]:
        """Returns rates as numbers; one on an accelerator is read in samples alone.

        To read it is to wait for all that was asked of the device. Between samples it is taken to
        be what it was.
        """
        before = self.rates if len(self.rates) == len(rates) else [None] * len(rates)
        return [
            known
            if isinstance(rate, torch.Tensor) and not (rate.is_cpu or look or known is None)
            else None
            if rate is None
            else float(rate)
            for rate, known in zip(rates, before, strict=True)
        ]

    def note(self, loss: float | torch.Tensor | None, rates: list[Any], now: float) -> None:
        """Notes a step that ended `now`, its loss (None if unknown) and the rates it had."""
        if rates != self.rates:
            self.rates = [float(r) if r is not None else 0.0 for r in rates]
            self._changes[len(self.losses)] = self.rates
        self.losses.append(loss)
        if len(self.losses) >= STEPS_PER_LINE or now - self._since > FLUSH_SECONDS:
            self.write()

    def write(self) -> None:
        """Writes the block of steps that is held."""
        if self.losses:
            facts: dict[str, Any] = {"o": self.index, "first": self._first}
            facts["t"] = [round(self._since, 4), round(monotonic(), 4)]
            if self._changes:
                facts["lr"] = [[compact(rate) for rate in rates] for rates in self._by_step()]
            self._journal.put_series("steps", "loss", self._on_host(self.losses), facts)
        self._first = self.step
        self.losses, self._changes, self._rates_before = [], {}, self.rates
        self._since = monotonic()

    def _by_step(self) -> list[list[float]]:
        """Returns the rates of each step of the block, or one entry that holds for all."""
        if list(self._changes) == [0]:
            return [self._changes[0]]
        rates, rows = self._rates_before, []
        for position in range(len(self.losses)):
            rates = self._changes.get(position, rates)
            rows.append(rates)
        return rows

    @staticmethod
    def _on_host(losses: list[float | torch.Tensor | None]) -> list[float | None]:
        waiting = [
            (i, x)
            for i, x in enumerate(losses)
            if type(x) is not float and isinstance(x, torch.Tensor)
        ]
        if waiting:
            values = torch.stack([x.float() for _, x in waiting]).tolist()
            for (i, _), value in zip(waiting, values, strict=True):
                losses[i] = value
        return [None if x is None else float(x) for x in losses]
