"""Weights that stand in for the trained ones while the script evaluates or saves."""

from __future__ import annotations

import operator
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from ..stage import Stage


TRAINING = ("backward_begin", "step_begin", "zero_grad")
"""What must not find the averages in place, however the script came there."""


class Shadow:
    """Float32 copies of parameters, exchanged with them in place where the script evaluates.

    A call is an evaluation if gradients are off and, unless `any_mode`, the module is in eval
    mode: a GAN's generator makes fakes with gradients off in the middle of training.
    """

    def __init__(self, stage: Stage, *, any_mode: bool = False) -> None:
        self._stage, self._any_mode = stage, any_mode
        self.parameters: list[Tensor] = []
        self.values: list[Tensor] = []
        self._trained: list[Tensor] | None = None
        self._call_off: Callable[[], None] = lambda: None
        self._known: set[int] = set()
        self._optimizers: list[weakref.ref[Any]] = []
        self._kept: dict[str, Any] | None = None
        self._held: weakref.WeakKeyDictionary[Any, tuple[list[Tensor], ...]] = (
            weakref.WeakKeyDictionary()
        )

    def watch(self) -> None:
        """Takes its place at the seams where evaluation and saving begin and end."""
        import torch

        stage = self._stage
        stage.each_optimizer(lambda optimizer: self._optimizers.append(weakref.ref(optimizer)))
        stage.root_calls(self._before_call)
        stage.patches.wrap(torch.nn.Module, "state_dict", self._saving)
        stage.patches.on_undo(self.restore)

    def add(self, optimizer: Any) -> None:
        """Begins a copy of each of the optimizer's parameters that has none."""
        import torch

        for group in optimizer.param_groups:
            for p in group["params"]:
                if id(p) not in self._known and p.is_floating_point():
                    self._known.add(id(p))
                    self.parameters.append(p)
                    self.values.append(p.detach().to(torch.float32, copy=True))

    def held_by(self, optimizer: Any) -> tuple[list[Tensor], list[Tensor]]:
        """The optimizer's parameters that have a copy, and the copies."""
        own = [p for group in optimizer.param_groups for p in group["params"]]
        known = self._held.get(optimizer, ([], [], []))
        if len(known[0]) != len(own) or not all(map(operator.is_, known[0], own)):
            ids = {id(p) for p in own}
            pairs = list(zip(self.parameters, self.values, strict=True))
            mine = [(p, value) for p, value in pairs if id(p) in ids]
            known = (own, [p for p, _ in mine], [value for _, value in mine])
            self._held[optimizer] = known
        return known[1], known[2]

    @staticmethod
    def move(averages: list[Tensor], weights: list[Tensor], share: float) -> None:
        """Moves averages towards the weights, by this share of what is between them."""
        import torch

        full = torch.float32
        with torch.no_grad():
            # a cast that does nothing would still be a call into torch per weight
            targets = [p if p.dtype is full else p.float() for p in weights]
            torch._foreach_lerp_(averages, targets, share)

    def state_dict(self) -> dict[str, Any]:
        """The averages and the trained weights: a saved model holds the averages only."""
        trained = self._trained or self.parameters
        return {
            "averages": [value.clone() for value in self.values],
            "trained": [p.detach().clone() for p in trained],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from there at the next call of the model, however the script loads its own."""
        self._kept = state

    def _resume(self) -> None:
        import torch

        if self._kept is None or not self._optimizers:
            return
        kept, self._kept = self._kept, None
        if kept["averages"]:
            for optimizer in (known() for known in self._optimizers):
                if optimizer is not None:
                    self.add(optimizer)
            with torch.no_grad():
                torch._foreach_copy_(self.values, kept["averages"])
                torch._foreach_copy_([p.detach() for p in self.parameters], kept["trained"])
            self._withdraw()

    def put_in(self) -> None:
        """Sets the parameters to the averaged values; remembers the trained ones."""
        import torch

        self._resume()
        if self._trained is None and self.parameters:
            self._stand_in([p.detach().clone() for p in self.parameters])
            with torch.no_grad():
                torch._foreach_copy_([p.detach() for p in self.parameters], self.values)

    def restore(self) -> None:
        """Sets the parameters back to the trained values, to the last bit."""
        import torch

        if self._trained is not None:
            with torch.no_grad():
                torch._foreach_copy_([p.detach() for p in self.parameters], self._trained)
            self._withdraw()

    def _stand_in(self, trained: list[Tensor]) -> None:
        """The parameters hold averages from now on, until something trains."""
        self._trained = trained
        self._call_off = self._stage.once(TRAINING, self.restore)

    def _withdraw(self) -> None:
        self._call_off()
        self._trained = None

    def _before_call(self, given: Any, module: Any) -> Any:
        import torch

        self._resume()
        if self._any_mode or not module.training:
            if torch.is_grad_enabled():
                self.restore()
            else:
                self.put_in()
        else:
            self.restore()
        return given

    def _saving(self, original: Any) -> Any:
        inside = False

        def state_dict(module: Any, *args: Any, **kwargs: Any) -> Any:
            nonlocal inside
            mine = any(id(p) in self._known for p in module.parameters())
            if inside or not mine:
                return original(module, *args, **kwargs)
            inside, evaluating = True, self._trained is not None
            self.put_in()
            try:
                kept = original(module, *args, **kwargs)
                # what is saved must not change when the trained weights come back
                return type(kept)(
                    (k, v.clone() if hasattr(v, "clone") else v) for k, v in kept.items()
                )
            finally:
                inside = False
                if not evaluating:
                    self.restore()

        return state_dict
