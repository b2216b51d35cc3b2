"""traintools: monitors for batches, gradients and plasticity."""

from __future__ import annotations

import re
from typing import Any

from .base import Adapter, Step


class Traintools(Adapter):
    """The quick start: `BatchInspector`, `GradientHealthMonitor` and the tracker's `step`."""

    name = "traintools"
    package = "traintools"
    requirements = ("traintools==0.6.2",)
    licence = "MIT"
    changed_lines = 12
    setup = (
        "the quick start's lines: batch inspector before the pass, gradient health between backward "
        "and step with its default limits, the tracker without its loss function (scripts have no "
        "common one) after the step"
    )
    rules = (
        (r"non-finite values", "input-not-finite"),
        (r"non-finite gradients", "loss-not-finite weights-not-finite"),
        (r"abs max .* exceeds", "input-not-normalised"),
        (r"constant", "input-constant rows-identical"),
        (r"imbalance|single class|dominat", "class-imbalance data-not-shuffled"),
        (r"outside|range", "loss-outside-domain labels-missing"),
        (r"empty", "empty-batch"),
        (r"vanished", "vanishing-gradient dead-units saturated-activation"),
        (r"very large", "exploding-gradient"),
        (r"ratio is high", "learning-rate-too-high zero-grad-missing"),
        (r"ratio is tiny", "learning-rate-too-low updates-lost"),
        (r"no gradients found", "loss-detached gradient-discarded parameters-without-gradient"),
        (r"dormant", "dead-units"),
        (r"STOP", "overfitting"),
    )
    inspector: Any = None

    def attach(self, model: Any, optimizer: Any) -> None:
        """Makes the monitors."""
        from traintools import BatchInspector, GradientHealthMonitor
        from traintools.callbacks.pytorch import TraintoolsTracker

        self.inspector = BatchInspector()
        self.health = GradientHealthMonitor()
        self.tracker = TraintoolsTracker(model, None, plasticity_freq=50, verbose=True)

    def before_step(self, step: Step) -> None:
        """Inspects the batch and the gradients."""
        import torch

        if isinstance(step.inputs, torch.Tensor):
            targets = step.targets if isinstance(step.targets, torch.Tensor) else None
            self.repeat("", self.inspector.inspect(step.inputs, targets, step=step.number))
        self.repeat("", self.health.inspect(step.model, step=step.number, lr=step.rate))

    def after_step(self, step: Step) -> None:
        """Steps the tracker."""
        decision = self.tracker.step(step=step.number, val_loss=step.held_out)
        if decision and decision.should_stop:
            self.say("warning", "STOP: TrainGuard says that going on is unlikely to matter")

    def repeat(self, prefix: str, report: Any) -> None:
        """Notes the warnings of a report, each kind of sentence once."""
        for warning in report.warnings:
            kind = re.sub(r"[-+]?\d[\d.e+-]*", "#", warning)
            if kind not in self.kinds:
                self.kinds.add(kind)
                self.say("warning", f"step {report.step}: {warning}")

    def begin(self) -> None:
        """Has said nothing yet."""
        self.kinds: set[str] = set()
