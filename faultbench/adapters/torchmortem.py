"""torchmortem: an autopsy of a training from hooks on the model."""

from __future__ import annotations

from typing import Any

from .base import Adapter, Step

LEVELS = {"CRITICAL": "error", "WARNING": "warning", "INFO": "note"}


class Torchmortem(Adapter):
    """`Autopsy`, attached and stepped explicitly."""

    name = "torchmortem"
    package = "torchmortem"
    requirements = ("torchmortem==0.1.1",)
    licence = "MIT"
    changed_lines = 4
    setup = (
        "`Autopsy(model, optimizer=optimizer)` around the loop, `autopsy.step(loss=loss.item())` "
        "after each step, `autopsy.report(...)` at the end; sampling as it is by default"
    )
    rules = (
        (r"update ratio too low", "learning-rate-too-low updates-lost frozen-by-accident "
                                  "rate-decays-too-early warmup-too-long"),
        (r"update ratio too high", "learning-rate-too-high warmup-missing zero-grad-missing"),
        (r"saturation", "saturated-activation initial-scale"),
        (r"dead units", "dead-units"),
        (r"vanishing|stalling|gradient starvation", "vanishing-gradient saturated-activation "
                                                    "frozen-by-accident residual-scaled-away"),
        (r"exploding", "exploding-gradient learning-rate-too-high initial-scale"),
        (r"weight norm explosion|instability", "learning-rate-too-high weights-not-finite "
                                               "zero-grad-missing"),
        (r"stagnant weight", "learning-rate-too-low frozen-by-accident updates-lost "
                             "parameters-outside-optimizer stale-parameters"),
        (r"imbalance", "initial-scale"),
        (r"divergence", "loss-not-decreasing learning-rate-too-high loss-not-finite loss-relapsed"),
        (r"plateau|trapped", "loss-not-decreasing"),
        (r"catapult|edge of stability", "learning-rate-too-high loss-oscillating loss-spike"),
        (r"rank collapse|bottleneck", "output-collapsed symmetric-initialisation linear-stack"),
    )  # fmt: skip
    autopsy: Any = None

    def attach(self, model: Any, optimizer: Any) -> None:
        """Attaches the autopsy."""
        from torchmortem import Autopsy

        self.autopsy = Autopsy(model, optimizer=optimizer)
        self.autopsy.attach()

    def after_step(self, step: Step) -> None:
        """Steps it."""
        self.autopsy.step(loss=step.loss)

    def finish(self, error: BaseException | None) -> None:
        """Asks for the report; insights, its root causes, come first."""
        if self.autopsy is None:
            return
        self.autopsy.detach(is_complete=error is None)
        report = self.autopsy.report(self.out / "autopsy.json")
        for insight in report.insights:
            worst = max(found.severity for found in insight.contributing_findings)
            self.say(LEVELS[worst.name], f"{insight.title}: {insight.summary}")
        for found in report.findings:
            self.say(LEVELS[found.severity.name], f"{found.title}: {found.summary}")
