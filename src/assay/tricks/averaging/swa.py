"""The trick `swa`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Trick, option, value
from ..per_optimizer import PerOptimizer
from .shadow import Shadow

if TYPE_CHECKING:
    from ..stage import Stage


class Swa(Trick):
    """Evaluates and saves the plain average of the weights over the later part of the run.

    ## What it does
    From step `value` on, every `every` steps of their optimizer, the weights enter a running mean
    kept in float32.
    Where the script evaluates or saves, the mean stands in for the weights; training itself is
    unchanged. Before the first average the weights themselves are used.

    ## Formula
    `average <- average + (weight - average) / (n + 1)`. Source: Izmailov, Podoprikhin, Garipov,
    Vetrov, Wilson 2018, "Averaging Weights Leads to Wider Optima and Better Generalization",
    algorithm 1.

    ## When
    The last quarter of a run, at a constant or cyclic rate that is rather high: averages of weights
    that no longer move do nothing. Combine with `schedule`.

    ## Cost
    One pass over the weights every `every` steps and 4 bytes per parameter.

    ## Conflicts and order
    Acts after the step. Not together with `ema`. Refused where weights are shards (`fully_shard`).

    ## Common mistakes
    Running statistics of batch normalisation belong to the trained weights, not to their mean. They
    are kept as they are here; for a network with BatchNorm prefer `ema`, whose weights stay close.
    """

    name = "swa"
    family = "averaging"
    start: int = value(low=0, help="first step that is averaged")
    every: int = option(default=1, low=1, help="steps between two averages")
    when: str = option(
        default="eval", choices=("eval", "no-grad"), help="what counts as evaluation"
    )
    conflicts = ("ema",)

    def __post_init__(self) -> None:
        self._counts = PerOptimizer(lambda: [0, 0])  # steps and averages
        self._shadow: Shadow | None = None

    def attach_to(self, stage: Stage) -> None:
        """Averages after steps of each optimizer that is meant, what that one holds."""
        shadow = self._shadow = Shadow(stage, any_mode=self.when == "no-grad")
        shadow.watch(self.name)

        def update(optimizer: Any) -> None:
            if not stage.meant(optimizer):
                return
            counts = self._counts.of(optimizer)
            counts[0] += 1
            late = counts[0] - self.start
            if late > 0 and (late - 1) % self.every == 0:
                counts[1] += 1
                # the first average is the weights themselves
                weights, averages = shadow.begun_by(optimizer)
                shadow.move(averages, weights, 1 / counts[1])

        stage.on("step_end", update)

    def state_dict(self) -> dict[str, Any]:
        """Returns the means, and each optimizer's steps and how many are in its mean."""
        kept = self._shadow.state_dict() if self._shadow else {}
        return {"counts": [list(counts) for counts in self._counts.all()], **kept}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from kept means of the same optimizers, which step in the same order."""
        self._counts.resume([list(counts) for counts in state["counts"]])
        if self._shadow is not None:
            self._shadow.load_state_dict(state)
