"""Weights that stand in for the trained ones while the script evaluates or saves."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from .copies import Copies, refuse_shards

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from ..stage import Stage

TRAINING = ("backward_begin", "step_begin", "zero_grad")
"""What must not find the averages in place, however the script came there."""


class Shadow(Copies):
    """Float32 copies of parameters, exchanged with them in place where the script evaluates.

    A call is an evaluation if gradients are off and, unless `any_mode`, the module is in eval
    mode: a GAN's generator makes fakes with gradients off in the middle of training.
    """

    def __init__(self, stage: Stage, *, any_mode: bool = False) -> None:
        super().__init__()
        self._stage, self._any_mode = stage, any_mode
        self._trained: list[Tensor] | None = None
        self._call_off: Callable[[], None] = lambda: None
        self._optimizers: list[weakref.ref[Any]] = []
        self._kept: dict[str, Any] | None = None

    def watch(self, trick: str) -> None:
        """Takes its place, for this trick, where evaluation and saving begin and end."""
        import torch

        stage = self._stage

        def meet(optimizer: Any) -> None:
            refuse_shards(optimizer, stage, trick)
            self._optimizers.append(weakref.ref(optimizer))

        stage.each_optimizer(meet)
        stage.root_calls(self._before_call)
        stage.patches.wrap(torch.nn.Module, "state_dict", self._saving)
        stage.patches.on_undo(self.restore)

    def state_dict(self) -> dict[str, Any]:
        """Returns averages and trained weights by optimizer: a saved model lacks the latter."""
        trained = dict(zip(map(id, self.parameters), self._trained or self.parameters, strict=True))
        held = [self.held_by(optimizer) for optimizer in self._built()]
        return {
            "averages": [[value.clone() for value in values] for _, values in held],
            "trained": [[trained[id(p)].detach().clone() for p in own] for own, _ in held],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from there at the next call of the model, however the script loads its own."""
        self._kept = state

    def _built(self) -> list[Any]:
        """Optimizers in the order in which they were built, which a restart repeats."""
        return [optimizer for known in self._optimizers if (optimizer := known()) is not None]

    def _resume(self) -> None:
        import torch

        if self._kept is None or not self._optimizers:
            return
        kept, self._kept = self._kept, None
        for optimizer, *own in zip(self._built(), kept["averages"], kept["trained"], strict=True):
            averages, trained = own
            if averages:  # they may not have begun
                parameters, values = self.begun_by(optimizer)
                with torch.no_grad():
                    torch._foreach_copy_(values, averages)
                    torch._foreach_copy_([p.detach() for p in parameters], trained)
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
        """Puts the averages into the parameters, until something trains."""
        self._trained = trained
        self._call_off = self._stage.once(TRAINING, self.restore)

    def _withdraw(self) -> None:
        self._call_off()
        self._trained = None

    def _before_call(self, given: Any, module: Any) -> Any:
        import torch

        if self._kept is not None:
            self._resume()
        if torch.is_grad_enabled() or (module.training and not self._any_mode):
            if self._trained is not None:
                self.restore()
        elif self._trained is None and self._concerns(module):
            self.put_in()
        return given

    def _concerns(self, module: Any) -> bool:
        """Whether a call is the model's own: a teacher asked amid its gradients is not."""
        groups = [group for optimizer in self._built() for group in optimizer.param_groups]
        held = {id(p) for group in groups for p in group["params"]}
        return any(id(p) in held for p in module.parameters())

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
