"""The mean of a schedule-free optimizer, in place where the script evaluates or saves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..averaging.shadow import Shadow

if TYPE_CHECKING:
    from torch import Tensor

    from ..stage import Stage


class Means(Shadow):
    """Shows x instead of y; the optimizer computes it, so no copy is kept while training."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._swapped: list[Any] = []

    def begin(self, optimizer: Any) -> None:
        """Knows one more optimizer."""
        self._swapped.append(optimizer)
        optimizer.trained, optimizer.resume = self._trained_value, self._go_on

    def put_in(self) -> None:
        """Sets the parameters to their means; remembers the trained ones."""
        if self._trained is None:
            found = [pair for optimizer in self._swapped for pair in optimizer.averages()]
            self.parameters = [p for p, _ in found]
            self.values = [x for _, x in found]
            super().put_in()
            self.values = []

    def _saving(self, original: Any) -> Any:
        saving = super()._saving(original)

        def state_dict(module: Any, *args: Any, **kwargs: Any) -> Any:
            groups = [group for o in self._swapped for group in o.param_groups]
            self._known = {id(p) for group in groups for p in group["params"]}
            return saving(module, *args, **kwargs)

        return state_dict

    def _trained_value(self, p: Tensor) -> Tensor:
        if self._trained is not None:
            for known, value in zip(self.parameters, self._trained, strict=True):
                if known is p:
                    return value
        return p

    def _go_on(self, values: list[tuple[Tensor, Tensor]]) -> None:
        self.restore()
        self.parameters = [p for p, _ in values]
        self._stand_in([y for _, y in values])
