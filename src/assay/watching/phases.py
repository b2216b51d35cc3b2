"""What opens a window of samples: the training goes on otherwise than before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from ..seams.hub import Hub
from .sampling import Sampling
from .training import TrainingLog

if TYPE_CHECKING:
    from .clock import Clock

RATE_FACTOR = 2.0
"""A rate that has changed by this factor since it was last looked at is another one."""

MODULES_AT_MOST = 4096

ALONE_FOR = 16
"""Iterations without a step of another optimizer after which a training is alone."""


class Phases:
    """Requests samples when something begins, or changes.

    An optimizer that takes its first step has an opening of its own; a window of a few iterations
    follows a group that was added, parameters frozen or thawed, modules in another mode, another
    rate, weights that were loaded, and a loss that leaves its range. The first iteration of an
    epoch, and those after an evaluation, are sampled singly.
    """

    name = "clock"

    def __init__(self, hub: Hub, clock: Clock, sampling: Sampling) -> None:
        self._hub, self._clock, self._sampling = hub, clock, sampling
        self.forget()

    def forget(self) -> None:
        """Starts anew in a forked process."""
        self._last: TrainingLog | None = None
        self._took_over = 0, 0  # at which iterations another optimizer did, the last two
        self._rates: dict[int, float] = {}
        self._trainable: dict[int, int] = {}
        self._modes: dict[int, int] = {}
        self._switched: dict[int, bool] = {}
        self._evaluating = False  # since `eval()`, and up to `train()` or a step

    def attach(self) -> None:
        """Listens between samples too."""
        hub = self._hub
        hub.on("training_found", self.on_training_found)
        hub.on("optimizer_created", self.on_optimizer_created)
        hub.on("group_added", self.on_group_added)
        hub.on("mode", self.on_mode)
        hub.on("load_state", self.on_load_state)
        hub.on("loader_begin", self.on_loader_begin)

    # -- what is announced ------------------------------------------------------------------------

    def on_training_found(self, training: TrainingLog, optimizer: Any) -> None:
        """Begins an opening: from the step after an optimizer's first on."""
        iteration = self._clock.iteration
        if iteration > 0 and self._sampling.plan.open(iteration):
            self._clock.range.forget()
            self._arm()

    def on_optimizer_created(self, optimizer: Any) -> None:
        """Looks at what may be the first step of another training."""
        if self._sampling.plan.taken:
            self._window("optimizer", 2)

    def on_group_added(self, optimizer: Any) -> None:
        """Looks closely: there is more to train."""
        if self._sampling.plan.taken:
            self._window("group added")

    def on_load_state(self, owner: Any, result: Any) -> None:
        """Looks closely at what weights from elsewhere do."""
        if self._sampling.plan.taken and isinstance(owner, torch.nn.Module):
            self._window("weights loaded")

    def on_loader_begin(self, loader: Any) -> None:
        """Samples the first iteration of an epoch; an evaluation with gradients on is none."""
        if self._sampling.plan.taken and torch.is_grad_enabled() and not self._evaluating:
            self._one("epoch")

    def on_mode(self, module: Any, training: bool) -> None:
        """Samples what follows an evaluation, whether or not the model is put back to training.

        After `eval()` nothing is put in place yet, for the evaluation would pay for it: the second
        iteration from then on is sampled, and the first only after `train()`.
        """
        self._evaluating = not training
        if self._switched.get(id(module), True) is training or not self._sampling.plan.taken:
            return
        if len(self._switched) < MODULES_AT_MOST:
            self._switched[id(module)] = training
        if training:
            self._one("training again")
        elif self._sampling.plan.request_one(self._clock.iteration + 1, "evaluation"):
            self._clock.fast.cancel("a sample is due earlier")

    # -- what is found while samples are taken, or at a step ------------------------------------

    def look_at_modes(self, module: torch.nn.Module) -> None:
        """Compares the modes of a root's modules, in a sample, with those of the sample before."""
        training = sum(part.training for part in module.modules())
        before = self._modes.get(id(module), training)
        if len(self._modes) < MODULES_AT_MOST:
            self._modes[id(module)] = training
        if training != before:
            self._window("modes")

    def step_ends(self, training: TrainingLog, rates: list[float | None]) -> None:
        """Compares the rates, before they are noted, with those of the step before.

        And, in a sample, what can be trained.
        """
        self._evaluating = False
        rate = max((rate for rate in rates if rate is not None), default=0.0)
        before = self._rates.setdefault(training.index, rate)
        optimizer = training.optimizer()
        if _differs(rate, before):
            self._rates[training.index] = rate
            self._window("rate")
        last = max(training.rates, default=rate)
        if _differs(rate, last) and optimizer is not None:
            self._hub.emit("rate_changed", training, optimizer, last, rate)
        if self._sampling.active and optimizer is not None:
            groups = optimizer.param_groups
            trainable = sum(p.requires_grad for group in groups for p in group["params"])
            if trainable != self._trainable.setdefault(training.index, trainable):
                self._trainable[training.index] = trainable
                self._window("frozen or thawed")

    def loss_leaves_range(self) -> None:
        """Looks closely at what comes after a loss far above those of the opening."""
        self._window("loss")

    # -- one training after another ---------------------------------------------------------------

    def takes_over(self, training: TrainingLog) -> None:
        """Notes that another optimizer steps than before."""
        self._took_over, self._last = (self._took_over[1], self._clock.iteration), training

    def alone(self) -> TrainingLog | None:
        """Returns the one training that steps at this time; None if several do, or none.

        It is alone if it has been for a while, or took over from one that had been: trainings one
        after another, and not two players.
        """
        before, last = self._took_over
        if self._clock.iteration - last >= ALONE_FOR or last - before >= 2 * ALONE_FOR:
            return self._last
        return None

    # -- requests -------------------------------------------------------------------------------

    def _window(self, cause: str, *length: int) -> None:
        if self._sampling.plan.request(self._clock.iteration, cause, *length):
            self._arm()

    def _one(self, cause: str) -> None:
        if self._sampling.plan.request_one(self._clock.iteration, cause):
            self._arm()

    def _arm(self) -> None:
        """Has the next iteration be seen from its start: now, or when this one's step ends."""
        self._clock.fast.cancel("a sample is due earlier")
        if self._clock.stepped:
            self._sampling.arm_if_due(self._clock.iteration + 1)


def _differs(rate: float, before: float) -> bool:
    return rate != before and not before / RATE_FACTOR < rate < before * RATE_FACTOR
