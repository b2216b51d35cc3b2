"""trainspotter: nine detectors over a run's logs."""

from __future__ import annotations

import json

from .logged import Logged

LEVELS = {"error": "error", "warning": "warning", "info": "note"}


class Trainspotter(Logged):
    """`trainspotter analyze metrics.csv`."""

    name = "trainspotter"
    package = "trainspotter"
    requirements = ("trainspotter==0.2.6",)
    licence = "MIT"
    changed_lines = 5
    setup = (
        "each step's training loss, rate and gradient norm, and the held-out loss where the script "
        "evaluates, into a CSV, then `trainspotter analyze metrics.csv`"
    )
    rules = (
        (r"non-finite", "loss-not-finite weights-not-finite"),
        (r"sustained growth", "learning-rate-too-high loss-not-decreasing loss-relapsed"),
        (r"loss spike", "loss-spike learning-rate-too-high"),
        (r"plateau", "loss-not-decreasing learning-rate-too-low"),
        (r"overfitting", "overfitting"),
        (r"no lr warmup", "warmup-missing"),
        (r"lr increased", "rate-rises-again"),
        (r"lr discontinuity", "rate-rises-again rate-decays-too-early scheduler-unit-mismatch"),
        (r"gradient-norm explosion", "exploding-gradient learning-rate-too-high"),
        (r"clipping likely saturated", "clipping-always"),
        (r"suspiciously low", "train-eval-overlap causal-leak target-not-shifted"),
        (r"throughput", "loader-starves"),
    )

    def finish(self, error: BaseException | None) -> None:
        """Asks for the analysis."""
        if not hasattr(self, "file"):
            return
        text = self.asked(
            "trainspotter.cli", "analyze", str(self.out / "metrics.csv"), "--output", "json"
        )
        for found in json.loads(text)["findings"]:
            self.say(LEVELS[found["severity"]], f"{found['title']}: {found['message']}")
