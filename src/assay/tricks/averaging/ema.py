"""The trick `ema`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Trick, option, value
from .shadow import Shadow

if TYPE_CHECKING:
    from ..stage import Stage


class Ema(Trick):
    """Evaluates and saves an exponential moving average of the weights.

    ## What it does
    After each real optimizer step (a step that a GradScaler skipped is none) a float32 copy of the
    weights moves a little towards them. Where the script evaluates, the copy stands in for the
    weights; where it saves a state dict, the copy is what is saved; when training goes on, the
    trained weights are back to the last bit. Buffers, such as running statistics, are the model's
    own.

    ## Formula
    `average <- d * average + (1 - d) * weight` with `d = min(decay, (1 + t) / (10 + t))` at update
    t (warm-up; `warmup=no` uses the decay from the start). Polyak and Juditsky 1992; the warm-up is
    that of TensorFlow's `ExponentialMovingAverage(num_updates)`.

    ## When
    Noisy gradients, small batches, generative models. The decay sets a half-life of
    `ln 2 / (1 - decay)` updates: 0.999 remembers about 700 steps, 0.9999 about 7,000. Choose one
    well below the length of the run.

    ## Cost
    One pass over the weights per step and 4 bytes per parameter; during an evaluation once more.

    ## Conflicts and order
    Acts after the step. Not together with `swa`, which also replaces the evaluated weights. Refused
    where weights are shards (`fully_shard`).

    ## Common mistakes
    A copy kept in bfloat16 never moves, since each change is below its precision. Without warm-up
    at 0.9999, 61 % of the copy is still the initial weights after 5,000 steps. A decay of 0.9999
    in a short run does nothing good.
    """

    name = "ema"
    family = "averaging"
    explore = ("0.99",)
    decay: float = value(
        default=0.999, low=0, high=1, open_high=True, help="decay per step, 0 to 1"
    )
    warmup: bool = option(default=True, help="start with a smaller decay")
    when: str = option(
        default="eval", choices=("eval", "no-grad"), help="what counts as evaluation"
    )
    conflicts = ("swa",)

    def __post_init__(self) -> None:
        self.updates = 0
        self._shadow: Shadow | None = None

    def attach_to(self, stage: Stage) -> None:
        """Updates the average after each step of each optimizer that is meant."""
        shadow = self._shadow = Shadow(stage, any_mode=self.when == "no-grad")
        shadow.watch(self.name)
        first: list[Any] = []

        def begin(optimizer: Any, *_: Any) -> None:
            if stage.meant(optimizer):
                shadow.begun_by(optimizer)  # from the weights before the first step

        def update(optimizer: Any) -> None:
            if not stage.meant(optimizer):
                return
            if not first:
                first.append(optimizer)
            if optimizer is first[0]:
                self.updates += 1
            weights, averages = shadow.begun_by(optimizer)
            shadow.move(averages, weights, 1 - self.decay_now())

        stage.on("step_begin", begin)
        stage.on("step_end", update)

    def decay_now(self) -> float:
        """Returns the decay of the next update, warm-up included."""
        if not self.warmup:
            return float(self.decay)
        return min(float(self.decay), (1 + self.updates) / (10 + self.updates))

    def state_dict(self) -> dict[str, Any]:
        """Returns the averages, in the order of the parameters, and the number of updates."""
        return {"updates": self.updates, **(self._shadow.state_dict() if self._shadow else {})}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from kept averages of the same parameters in the same order."""
        self.updates = int(state["updates"])
        if self._shadow is not None:
            self._shadow.load_state_dict(state)
