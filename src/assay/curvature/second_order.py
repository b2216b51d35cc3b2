"""What probes that differentiate twice share: when it is allowed, and what it may cost."""

from __future__ import annotations

import weakref
from typing import Any, ClassVar

import torch

from ..seams.recording import special_mode
from ..watching.probe import Probe
from .hessian import why_no_second_derivative

BYTES_AT_MOST = 256 * 2**20
"""Memory for copies of weights and for vectors of their size."""


def room(device: torch.device) -> int:
    """Bytes that may be taken on this device."""
    if device.type == "cuda":
        return min(BYTES_AT_MOST, torch.cuda.mem_get_info(device)[0] // 10)
    return BYTES_AT_MOST


class SecondOrder(Probe):
    """Knows what forbids another backward pass of ours through the user's graph."""

    cost = "dear"
    always: ClassVar[tuple[str, ...]] = (
        "hook_registered",
        "checkpointing",
        "scaled",
        "optimizer_created",
    )

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self.refusal: str | None = None
        self._optimizers: list[weakref.ref[Any]] = []

    def on_hook_registered(self, kind: str) -> None:
        """Refuses: the user's hooks would be called twice."""
        self.refusal = f"the script has {kind} hooks in its backward pass"

    def on_checkpointing(self) -> None:
        """Refuses: the user's forward would run once more."""
        self.refusal = "activation checkpointing runs the forward again in backward"

    def on_scaled(self, original: Any, scaled: Any) -> None:
        """Refuses: second derivatives of a scaled loss overflow."""
        if scaled is not original:
            self.refusal = "the loss is scaled by a GradScaler"

    def on_optimizer_created(self, optimizer: Any) -> None:
        """Refuses several optimizers: they have no one objective."""
        self._optimizers = [ref for ref in self._optimizers if ref() is not None][-10:]
        self._optimizers.append(weakref.ref(optimizer))

    def only_optimizer(self) -> Any:
        """Returns the one optimizer there is, or that steps at this time; None if several do."""
        known = [o for training in self.watch.trainings if (o := training.optimizer()) is not None]
        known += [o for ref in self._optimizers if (o := ref()) is not None]
        if known and all(o is known[0] for o in known):
            return known[0]
        alone = self.watch.training_alone
        return alone.optimizer() if alone is not None else None

    def why_not(self, loss: Any, parameters: list[torch.Tensor]) -> str | None:
        """Says what forbids second derivatives of this loss; None if nothing does."""
        if self.refusal is not None:
            return self.refusal
        if self.watch.compiled:
            return "compiled: second derivatives do not exist there"
        mode = special_mode()
        if mode is not None:
            return mode
        if torch.is_anomaly_enabled():
            return "anomaly detection is on"
        if not isinstance(loss, torch.Tensor) or loss.numel() != 1 or not parameters:
            return "backward was not called on one scalar loss"
        if loss.dtype not in (torch.float32, torch.float64) or any(
            p.dtype not in (torch.float32, torch.float64) for p in parameters
        ):
            return "second derivatives in half precision tell nothing"
        if any(p._backward_hooks for p in parameters):
            return "parameters have hooks"
        if any(p.device != loss.device for p in parameters):
            return "the parameters lie on several devices"
        return why_no_second_derivative(loss)


def trained(optimizer: Any) -> list[torch.Tensor]:
    """Returns the parameters that this optimizer moves."""
    return [p for group in optimizer.param_groups for p in group["params"] if p.requires_grad]
