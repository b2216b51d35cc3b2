"""The trick `swa`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Option, Trick
from .shadow import Shadow

if TYPE_CHECKING:
    from ..stage import Stage


class Swa(Trick):
    """Evaluates and saves the plain average of the weights over the later part of the run.

    ## What it does
    From step `value` on, every `every` steps, the weights enter a running mean kept in float32.
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
    Acts after the step. Not together with `ema`.

    ## Common mistakes
    Running statistics of batch normalisation belong to the trained weights, not to their mean. They
    are kept as they are here; for a network with BatchNorm prefer `ema`, whose weights stay close.
    """

    name = "swa"
    family = "averaging"
    value = Option("value", int, low=0, required=True, help="first step that is averaged")
    options = (
        Option("every", int, 1, 1, help="steps between two averages"),
        Option("when", str, "eval", choices=("eval", "no-grad"), help="what counts as evaluation"),
    )
    conflicts = ("ema",)

    def __init__(self, value: Any = None, **options: Any) -> None:
        super().__init__(value, **options)
        self.steps = 0
        self.averaged = 0
        self._shadow: Shadow | None = None

    def attach_to(self, stage: Stage) -> None:
        """Averages after steps of the first optimizer that is meant, for all that it holds."""
        shadow = self._shadow = Shadow(stage, any_mode=self.given.when == "no-grad")
        shadow.watch()

        def update(optimizer: Any) -> None:
            if not stage.meant(optimizer):
                return
            self.steps += 1
            late = self.steps - self.given.value
            if late > 0 and (late - 1) % self.given.every == 0:
                if not self.averaged:
                    shadow.add(optimizer)  # the first average is the weights themselves
                shadow.move(shadow.values, shadow.parameters, 1 / (self.averaged + 1))
                self.averaged += 1

        stage.on("step_end", update)

    def state_dict(self) -> dict[str, Any]:
        """The mean and how many weights are in it."""
        kept = self._shadow.state_dict() if self._shadow else {}
        return {"steps": self.steps, "averaged": self.averaged, **kept}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a kept mean of the same parameters in the same order."""
        self.steps, self.averaged = int(state["steps"]), int(state["averaged"])
        if self._shadow is not None:
            self._shadow.load_state_dict(state)
