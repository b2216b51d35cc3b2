"""The trick `early-stop`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..base import Trick, option, value
from ..wrappers import bare

if TYPE_CHECKING:
    from ..stage import Stage

AGREE_EVERY = 20


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
    A copy of weights and buffers at each improvement.

    ## Conflicts and order
    Refused nowhere, but without effect in a script that never evaluates. Under torchrun all ranks
    agree every 20 steps and stop together.

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

        sums = {"loss": 0.0, "count": 0}
        models: list[Any] = []
        steps = 0

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
            if not self.stopped:
                self._judge(sums["loss"] / sums["count"], models, stage)
            sums.update(loss=0.0, count=0)

        def decide(optimizer: Any) -> bool:
            nonlocal steps
            if sums["count"]:
                training_goes_on()  # a closure calls the model only after this
            steps += 1
            if steps % AGREE_EVERY == 0:
                self._agree(models)
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

    def _judge(self, loss: float, models: list[Any], stage: Stage) -> None:
        if loss < self.best - self.min_delta:
            self.best, self.waited = loss, 0
            states = [model.state_dict() for model in models]
            self._kept = [{k: v.clone() for k, v in state.items()} for state in states]
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

    def _agree(self, models: list[Any]) -> None:
        import torch.distributed as dist

        if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
            return
        import torch

        device = next(models[0].parameters()).device if models else "cpu"
        flag = torch.tensor([float(self.stopped)], device=device)
        dist.all_reduce(flag, op=dist.ReduceOp.MAX)
        self.stopped = bool(flag.item())

    def state_dict(self) -> dict[str, Any]:
        """Returns best loss and weights, and evaluations waited."""
        waiting = {"best": self.best, "waited": self.waited, "stopped": self.stopped}
        return {**waiting, "kept": self._kept}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on waiting."""
        self.best, self.waited = float(state["best"]), int(state["waited"])
        self.stopped, self._kept = bool(state["stopped"]), list(state["kept"])
