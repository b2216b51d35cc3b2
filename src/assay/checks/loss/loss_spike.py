"""The check `loss-spike`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ...journal.view import RunView, Training
from ..base import Check, Limit
from ..finding import Evidence, Finding, Remedy, Where
from ..requirements import OneObjective, Steps


@dataclass(frozen=True, slots=True)
class _Spike:
    step: int
    loss: float
    before: float
    back: int


class LossSpike(Check):
    """A few steps had a loss far above all before them, and then it was as it had been.

    ## What it does
    Assay compares the loss of each step with the hundred before it. It reports one that is many
    times the largest of those, if the loss is back among them within a few steps.

    ## Why it matters
    One batch is unlike the others (a reading that is wrong by a factor, a label out of place, a
    file that is damaged), or one step was much too long. Its gradient is as much larger as its
    loss, and Adam remembers it for a thousand steps.

    ## Evidence
    Heuristic. The loss of the step over the largest of the hundred before it, and how soon it was
    back.

    ## Known exceptions
    Silent: losses that stay high, as where the task becomes harder by plan; losses that are not
    above zero throughout; losses that are NaN or infinite (`loss-not-finite`). Not judged: several
    optimizers, short runs.

    ## Example
    One record in ten thousand has a price in cents where all others are in euros.

    ## What to try
    Look at the batch of that step. Clip gradients, so that one batch can't do much.

    ## References
    Chowdhery et al.: PaLM, 2022, section 5.1 (spikes; batches that are left out). Megatron-LM,
    rerun state machine: a loss is spiky from 10 times the largest of 100 on.
    """

    name = "loss-spike"
    family = "loss"
    severity = "note"
    tier = "heuristic"
    status = "preview"
    needs = ("loss",)
    reads = ("loss",)
    requires = (OneObjective(), Steps())
    limits = {
        "times": Limit(10.0, "of the largest before", "Megatron-LM, rerun state machine"),
        "window": Limit(100, "steps", "Megatron-LM, rerun state machine"),
        "back": Limit(5, "steps", "ours: what lasts longer may be another task"),
        "steps": Limit(150, "steps", "ours: the window, and half of it again"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in self.judgeable(run):
            spikes = list(self._spikes(training))
            if not spikes:
                continue
            worst = max(spikes, key=lambda spike: spike.loss / spike.before)
            more = f", the highest of {len(spikes)} such spikes" if len(spikes) > 1 else ""
            yield self.found(
                f"the loss of step {worst.step} was {worst.loss:.4g}, "
                f"{worst.loss / worst.before:.3g} times the largest of the "
                f"{self.limit('window'):.0f} steps before it, and {worst.back} "
                f"{'step' if worst.back == 1 else 'steps'} later it was back{more}",
                "one batch is unlike the others, or one step was much too long; its gradient was "
                "as much larger",
                try_=("look at the batch of that step", "clip gradients"),
                where=Where(site=training.site),
                steps=(spikes[0].step, spikes[-1].step),
                evidence=(
                    Evidence("loss", worst.loss / worst.before, self.limit("times"),
                             "times the largest before"),
                ),
                tricks=(Remedy("clip-norm", "1.0"),),
                training=training,
            )  # fmt: skip

    def _spikes(self, training: Training) -> Iterator[_Spike]:
        losses = training.series("loss")
        window, back = int(self.limit("window")), int(self.limit("back"))
        values, steps = losses.values, losses.steps
        at = window
        while at < len(values) - 1:
            value = values[at]
            # the last one is enough to rule out most steps
            if not value >= self.limit("times") * values[at - 1] > 0:
                at += 1
                continue
            before = values[at - window : at]
            high = max(before)
            after = values[at + 1 : at + 1 + back]
            returned = next((n for n, v in enumerate(after, 1) if v <= high), None)
            whole = min(before) > 0 and all(map(math.isfinite, [*before, value]))
            if whole and value >= self.limit("times") * high and returned is not None:
                yield _Spike(steps[at], value, high, returned)
                at += returned
            at += 1
