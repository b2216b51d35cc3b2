"""runmedic: thirteen checks over a run's logs."""

from __future__ import annotations

import json

from .logged import Logged

LEVELS = {"critical": "error", "warning": "warning", "info": "note"}


class Runmedic(Logged):
    """`runmedic diagnose metrics.csv`."""

    name = "runmedic"
    package = "runmedic"
    requirements = ("runmedic==0.1.1",)
    licence = "MIT"
    changed_lines = 5
    setup = (
        "each step's training loss, rate and gradient norm, and the held-out loss where the script "
        "evaluates, into a CSV, then `runmedic diagnose metrics.csv`"
    )
    rules = (
        (r"became NaN/inf", "loss-not-finite weights-not-finite"),
        (r"became NaN/inf(.|\n)*(learning rate|gradient)", "learning-rate-too-high "
                                                         "exploding-gradient"),
        (r"diverged after", "learning-rate-too-high loss-not-decreasing loss-relapsed"),
        (r"loss spikes", "loss-spike learning-rate-too-high warmup-missing"),
        (r"not learning", "loss-not-decreasing"),
        (r"predicts? (nearly )?uniform|ln\(", "output-collapsed labels-unrelated-to-inputs"),
        (r"learning rate is (0|zero)|LR (=|is) 0", "learning-rate-too-low lambda-returns-rate"),
        (r"overfitting", "overfitting"),
        (r"consistently lower", "eval-better-than-train train-eval-overlap"),
        (r"gradient norm spikes", "exploding-gradient learning-rate-too-high"),
        (r"plateaued", "loss-not-decreasing scheduler-never-stepped"),
        (r"waiting", "loader-starves"),
    )  # fmt: skip

    def finish(self, error: BaseException | None) -> None:
        """Asks for the diagnosis."""
        if not hasattr(self, "file"):
            return
        text = self.asked("runmedic", "diagnose", str(self.out / "metrics.csv"), "--json")
        for run in json.loads(text):
            for found in run["findings"]:
                words = [found["title"], *found["evidence"], *found["likely_causes"][:1]]
                self.say(LEVELS[found["severity"]], "\n".join(words))
