"""The trick `ewc`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...merging.errors import MergeError
from ..base import Trick, option, value

if TYPE_CHECKING:
    from torch import Tensor

    from ..stage import Stage


class Ewc(Trick):
    """Holds each weight near its value in a checkpoint, the more firmly the more it mattered there.

    ## What it does
    Before each optimizer step the gradient of a quadratic penalty is added to that of the loss. A
    parameter that the checkpoint has not, or has in another shape, is free: a new head, for one.

    ## Formula
    `g += strength * F * (w - w*)`, the gradient of `strength / 2 * sum F (w - w*)^2`, where w* are
    the weights of the checkpoint and F is the diagonal of the Fisher information on the data that
    it was trained on: the mean of *per-sample* squared gradients (`assay fisher` measures it).
    Source: Kirkpatrick et al. 2017, "Overcoming catastrophic forgetting in neural networks",
    equation 3. Without `fisher` F is 1: L2-SP (Li, Grandvalet, Davoine 2018).

    ## When
    The model learned something before that it should not forget, and the old data are gone.

    ## Cost
    Two more copies of the weights, and two passes over them a step.

    ## Conflicts and order
    Acts after `skip-non-finite` and before clipping, which then bounds both parts. The loss that
    the script prints has no penalty in it.

    ## Common mistakes
    F from the squared gradient of a batch: up to the size of the batch too small (a trace of 8.59
    per sample became 0.32 with batches of 32). A penalty without the half. Decay towards zero at
    the same time: `weight_decay` pulls away from w*.
    """

    name = "ewc"
    family = "regularisation"
    by_hand = "add strength / 2 * sum F (w - w*)^2 to the loss"
    checkpoint: str = value(help="the weights to stay near: a file as `assay merge` reads it")
    strength: float = option(default=100.0, low=0, open_low=True, help="of the penalty")
    fisher: str = option(default="", help="the file that `assay fisher` wrote; without it F = 1")
    key: str = option(default="", help="where the checkpoint has its weights, if it holds more")

    def attach_to(self, stage: Stage) -> None:
        """Adds the penalty's gradient before each step."""
        held: dict[int, tuple[Tensor, Tensor, Tensor | None]] = {}

        def learn(model: Any) -> None:
            free = self._hold(stage, model, held)
            stage.note("ewc", held=len(held), free=free[:20])

        def act(optimizer: Any) -> None:
            if not stage.meant(optimizer):
                return
            for group in optimizer.param_groups:
                for p in group["params"]:
                    if p.grad is not None and id(p) in held:
                        _, anchor, importance = held[id(p)]
                        drift = p.detach() - anchor
                        if importance is not None:
                            drift.mul_(importance)
                        p.grad.add_(drift, alpha=self.strength)

        stage.each_model(learn)
        stage.on("gradients_ready", act)

    def _hold(
        self, stage: Stage, model: Any, held: dict[int, tuple[Tensor, Tensor, Tensor | None]]
    ) -> list[str]:
        """Reads what each parameter is held to; returns the names of those that are free."""
        from ...merging.sharded import open_checkpoint

        free = []
        try:
            anchors = open_checkpoint(self.checkpoint, self.key or None)
            importances = open_checkpoint(self.fisher) if self.fisher else None
            for name, p in model.named_parameters():
                files = [file for file in (anchors, importances) if file is not None]
                if any(name not in f.entries or f.entries[name].shape != p.shape for f in files):
                    free.append(name)
                    continue
                values = [file.read(name).to(p) for file in files]
                held[id(p)] = (p, values[0], values[1] if self.fisher else None)
        except MergeError as error:
            stage.refuse(self.name, str(error))
        if not held:
            stage.refuse(self.name, f"{self.checkpoint} has no parameter of the model")
        return free
