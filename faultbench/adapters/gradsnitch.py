"""gradsnitch: ten rules over a run's metrics."""

from __future__ import annotations

from typing import Any

from .base import Adapter, Step


class Gradsnitch(Adapter):
    """`watch(model, optimizer)` and `log` at each step."""

    name = "gradsnitch"
    package = "gradsnitch"
    requirements = ("gradsnitch==0.1.0",)
    licence = "MIT"
    changed_lines = 4
    setup = (
        "`gradsnitch.watch(model, optimizer, check_every=50)` after the optimizer is made, "
        "`mon.log(step, loss, val_loss=...)` between backward and step, `mon.report()` at the end"
    )
    rules = (
        (r"GS001", "loss-not-finite weights-not-finite input-not-finite learning-rate-too-high "
                   "fp16-overflow"),
        (r"GS002", "exploding-gradient"),
        (r"GS003", "loss-spike exploding-gradient learning-rate-too-high"),
        (r"GS004", "overfitting"),
        (r"GS005", "loss-not-decreasing learning-rate-too-low frozen-by-accident "
                   "labels-unrelated-to-inputs"),
        (r"GS006", "learning-rate-too-high loss-not-decreasing loss-relapsed"),
        (r"GS007", "vanishing-gradient saturated-activation dead-units"),
        (r"GS008.*too high|too high \(update/weight", "learning-rate-too-high"),
        (r"GS008.*too low|too low \(update/weight", "learning-rate-too-low"),
        (r"GS009", "loss-oscillating learning-rate-too-high"),
        (r"GS010", "rate-decays-too-early scheduler-unit-mismatch"),
    )  # fmt: skip
    monitor: Any = None

    def attach(self, model: Any, optimizer: Any) -> None:
        """Begins to watch."""
        import gradsnitch

        self.monitor = gradsnitch.watch(model, optimizer, check_every=50)

    def before_step(self, step: Step) -> None:
        """Logs a step."""
        if step.loss is not None:
            extra = {} if step.held_out is None else {"val_loss": step.held_out}
            self.monitor.log(step.number, step.loss, **extra)

    def finish(self, error: BaseException | None) -> None:
        """Asks for the verdicts."""
        if self.monitor is None:
            return
        for found in self.monitor.report() or ():
            self.say(found.severity, str(found))
