"""Probe: single facts worth a line: seeds, modes, clipping, precision."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from ...watching.probe import Probe

SWITCHES_AT_MOST = 1000
"""Changes of mode written in one run; a script that goes on switching after so many is well."""

SEEDED_AT_MOST, SEEDS_AT_MOST = 4, 1000
"""Times that a generator is seeded with one number which are written, and how many numbers."""


def depends_on_mode(module: Any) -> bool:
    """Returns whether the module computes something else in training than in evaluation."""
    if isinstance(module, torch.nn.modules.dropout._DropoutNd):
        return module.p > 0
    if isinstance(module, torch.nn.modules.batchnorm._NormBase):
        return module.track_running_stats
    if isinstance(module, (torch.nn.RNNBase, torch.nn.MultiheadAttention)):
        return module.dropout > 0
    return False


class Notes(Probe):
    """Writes an event for each new fact of these kinds, with the user's line.

    Signals: `eval_share`, of a root's modules that compute something else in training than in
    evaluation, the share that is in evaluation mode; `clip_norm` (before clipping), `clip_limit`;
    `loss_scale`. Events `mode_switch` and `evaluated` (the first region without gradients that the
    user entered after a switch to evaluation).
    """

    name = "notes"
    always: ClassVar = (
        "seed",
        "compile",
        "clip",
        "mode",
        "hook_registered",
        "checkpointing",
        "scaler_update",
    )
    sampled: ClassVar = ("autocast", "root_begin", "zero_grad")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._scale: float | None = None
        self._modes: dict[int, bool] = {}
        self._switches = 0
        self._seeded: dict[tuple[str, Any], int] = {}

    def on_seed(self, kind: str, value: Any) -> None:
        """A generator was seeded."""
        again = self._seeded[kind, value] = self._seeded.get((kind, value), 0) + 1
        if again <= SEEDED_AT_MOST and len(self._seeded) <= SEEDS_AT_MOST:
            self.watch.event("seed", of=kind, value=value)

    def on_compile(self, target: Any) -> None:
        """torch.compile was called."""
        self.watch.event_once("compile", type(target).__name__, target=type(target).__name__)

    def on_clip(self, kind: str, limit: Any, parameters: Any, total: Any) -> None:
        """Gradients were clipped; the norm before clipping is read on sampled iterations."""
        if self.watch.sampling:
            self.watch.event_once("clip", kind, float(limit), of=kind, limit=float(limit))
            if isinstance(total, torch.Tensor):
                self.watch.put("clip_norm", "", total)
                self.watch.put("clip_limit", "", float(limit))

    def on_mode(self, module: Any, training: bool) -> None:
        """Module.train or .eval was called; only a change of mode is written."""
        if self._modes.get(id(module), True) is training or self._switches >= SWITCHES_AT_MOST:
            return
        self._modes[id(module)] = training
        self._switches += 1
        self._await_evaluation(not training)
        self.watch.event(
            "mode_switch",
            owner=self.watch.names.module(module) or type(module).__name__,
            training=training,
            grad=torch.is_grad_enabled(),
        )

    def _await_evaluation(self, awaiting: bool) -> None:
        """Listens only in between: every step of an optimizer enters a region without gradients."""
        (self.watch.listen if awaiting else self.watch.unlisten)(
            "gradients_off", self._on_gradients_off
        )

    def _on_gradients_off(self, by_user: bool) -> None:
        """What the user computes without gradients after a call of eval is an evaluation."""
        if by_user:
            self._await_evaluation(False)
            self.watch.event("evaluated")

    def on_hook_registered(self, kind: str) -> None:
        """The user's autograd hooks forbid a second backward pass of ours."""
        self.watch.event_once("hook_registered", kind, of=kind)

    def on_checkpointing(self) -> None:
        """Activation checkpointing runs the user's forward again in backward."""
        self.watch.event_once("checkpointing")

    def on_scaler_update(self, scaler: Any) -> None:
        """The loss scale, when it changes; a scaler on an accelerator is read on samples only."""
        scale = getattr(scaler, "_scale", None)  # a scaler that is disabled has none
        if scale is not None and (scale.is_cpu or self.watch.sampling):
            value = scale.item()
            if value != self._scale:
                self._scale = value
                training = self.watch.trainings[-1] if self.watch.trainings else None
                if training is not None:
                    self.watch.line("scale", o=training.index, s=training.step, v=value)

    def on_autocast(self, device_type: str, dtype: Any, enabled: bool) -> None:
        """A region of mixed precision."""
        self.watch.event_once(
            "autocast", device_type, str(dtype), enabled,
            device=device_type, dtype=str(dtype).removeprefix("torch."), enabled=enabled,
        )  # fmt: skip

    def on_root_begin(self, module: Any, args: Any, kwargs: Any) -> None:
        """In which mode the model is trained."""
        place = self.watch.names.module(module)
        if place is None:
            return
        modal = [part for part in module.modules() if depends_on_mode(part)]
        if modal:
            stuck = sum(not part.training for part in modal)
            self.watch.put("eval_share", place, stuck / len(modal))

    def on_zero_grad(self, owner: Any) -> None:
        """Where gradients are cleared."""
        self.watch.event_once("zero_grad", type(owner).__name__, owner=type(owner).__name__)
