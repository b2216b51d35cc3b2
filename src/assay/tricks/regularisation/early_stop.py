"""The trick `early-stop`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..base import Trick, option, value
from ..together import Together, world_size
from ..wrappers import bare

if TYPE_CHECKING:
    from ..stage import Stage


class EarlyStop(Trick):
    """Stops training when the held-out loss no longer falls, and goes back to the best weights.

    ## What it does
    Averages the losses that the script computes with gradients off between two steps. After
    `value` such evaluations without an improvement of more than `min-delta`, or one that is not
    finite, the weights of the best one are put back and no further step is taken. Training loaders
    then end at once, so the script runs quickly to its own end and saves or tests the best
    weights.

    ## Formula
    Stop at evaluation t if `min(L_1..L_t) > best - min_delta` for `value` evaluations. Source:
    Prechelt 1998, "Early Stopping - But When?", criterion UP in its patience form.

    ## When
    The held-out loss rises while the training loss falls.

    ## Cost
    A copy of weights and buffers at each improvement. On several ranks one `all_reduce` of two
    numbers a step, which waits for the device.

    ## Conflicts and order
    Without effect in a script that never evaluates. Ranks judge together, by the mean over all
    samples that one of them has evaluated, and stop at the same step. Refused where nothing tells
    which ranks step together (no DistributedDataParallel, no shards, no `all_reduce` of gradients).
    A rank that does not evaluate keeps its buffers as they are one batch later.

    ## Common mistakes
    Deciding on each rank by itself: one stops and the others wait for ever. Taking NaN for an
    improvement. Keeping the last weights instead of the best.
    """

    name = "early-stop"
    family = "regularisation"
    patience: int = value(default=5, low=1, help="evaluations without improvement")
    min_delta: float = option(default=0.0, low=0, help="smallest improvement that counts")

    def __post_init__(self) -> None:
        self.best, self.waited, self.stopped = math.inf, 0, False
        self._kept: list[dict[str, Any]] = []

    def attach_to(self, stage: Stage) -> None:
        """Listens to losses with gradients off; holds steps once stopped."""
        import torch

        together = Together(stage, self.name)
        sums = {"loss": 0.0, "count": 0}
        models: list[Any] = []
        evaluated: list[list[dict[str, Any]]] = []  # what stood when the evaluation was over

        def met(given: Any, module: Any) -> Any:
            if torch.is_grad_enabled():
                model = bare(module)
                if model not in models:
                    models.append(model)
                if sums["count"]:
                    training_goes_on()
            return given

        def loss(name: str, function: Any, args: Any, kwargs: Any, result: Any) -> None:
            if result.numel() == 1:
                size = args[0].shape[0] if args and getattr(args[0], "dim", int)() else 1
                sums["loss"] += float(result) * size
                sums["count"] += size

        def training_goes_on() -> None:
            if world_size() == 1:
                judge(sums["loss"], sums["count"])
            elif not evaluated:  # ranks judge when all of them are there
                evaluated.append(_states(models))

        def judge(loss: float, count: float) -> None:
            if count and not self.stopped:
                self._judge(loss / count, evaluated[0] if evaluated else _states(models), stage)
            sums.update(loss=0.0, count=0)
            evaluated.clear()

        def decide(optimizer: Any) -> bool:
            if sums["count"]:
                training_goes_on()  # a closure calls the model only after this
            if not self.stopped:
                judge(*together.sums(optimizer, sums["loss"], sums["count"]))
            if self.stopped:
                self._go_back(models)
            return not self.stopped

        def next_batch(batch: Any, loader: Any) -> Any:
            if self.stopped and torch.is_grad_enabled():
                self._go_back(models)
                raise StopIteration
            return batch

        stage.root_calls(met)
        stage.on("evaluation_loss", loss)
        stage.hold_steps(decide)
        stage.change("batch", next_batch)

    def _judge(self, loss: float, states: list[dict[str, Any]], stage: Stage) -> None:
        if loss < self.best - self.min_delta:
            self.best, self.waited, self._kept = loss, 0, states
            return
        self.waited += 1
        if self.waited >= self.patience or not math.isfinite(loss):
            self.stopped = True
            stage.note("stopped", best=self.best)

    def _go_back(self, models: list[Any]) -> None:
        """Puts back the best weights, and what calls after the stop changed in buffers."""
        import torch

        for model, kept in zip(models, self._kept, strict=False):
            now = model.state_dict()
            other = {name: v for name, v in kept.items() if not torch.equal(v, now[name])}
            if other:
                model.load_state_dict(other, strict=False)

    def state_dict(self) -> dict[str, Any]:
        """Returns best loss and weights, and evaluations waited."""
        waiting = {"best": self.best, "waited": self.waited, "stopped": self.stopped}
        return {**waiting, "kept": self._kept}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on waiting."""
        self.best, self.waited = float(state["best"]), int(state["waited"])
        self.stopped, self._kept = bool(state["stopped"]), list(state["kept"])


def _states(models: list[Any]) -> list[dict[str, Any]]:
    """Returns copies of all weights and buffers."""
    return [{k: v.clone() for k, v in model.state_dict().items()} for model in models]
