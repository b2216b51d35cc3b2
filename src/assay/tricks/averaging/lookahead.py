"""The trick `lookahead`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Trick, option, value
from ..per_optimizer import PerOptimizer

if TYPE_CHECKING:
    from ..stage import Stage


class Lookahead(Trick):
    """Lets the optimizer run ahead for some steps, then goes only part of the way.

    ## What it does
    A float32 copy of the weights, the slow ones, stands still while the optimizer takes `value`
    steps. Then it moves towards where those have led, and the weights go on from there. What the
    optimizer remembers (momentum, averages of squares) stays as it is.

    ## Formula
    After each `value` steps: `slow <- slow + alpha * (weight - slow)`, `weight <- slow`. Source:
    Zhang, Lucas, Hinton, Ba 2019, "Lookahead Optimizer: k steps forward, 1 step back", algorithm 1;
    momentum is kept, as in the authors' code by default.

    ## When
    Noisy steps, or a rate that is a little too high. The paper uses 5 to 10 steps and an alpha of
    0.5 to 0.8.

    ## Cost
    4 bytes a parameter, and two passes over the weights every `value` steps.

    ## Conflicts and order
    Acts after the step, before averages are taken of it. A step that a GradScaler left out is none.

    ## Common mistakes
    Evaluating between two moves: the slow weights are meant, and the weights are those only right
    after a move. Counting batches where gradients are accumulated. Copies in bfloat16, which small
    moves leave where they are.
    """

    name = "lookahead"
    family = "averaging"
    explore = ("5",)
    by_hand = "every k steps, interpolate between a copy of the weights and the weights"
    steps: int = value(default=5, low=2, help="k, optimizer steps between two moves")
    alpha: float = option(default=0.5, low=0, high=1, open_low=True, help="share of the way")

    def __post_init__(self) -> None:
        self._records: PerOptimizer[dict[str, Any]] = PerOptimizer(lambda: {"steps": 0, "slow": []})

    def attach_to(self, stage: Stage) -> None:
        """Copies the weights before the first step of each optimizer that is meant."""
        import torch

        def weights(optimizer: Any) -> list[Any]:
            own = [p for group in optimizer.param_groups for p in group["params"]]
            return [p for p in own if p.is_floating_point()]

        def begin(optimizer: Any, *_: Any) -> None:
            if stage.meant(optimizer):
                slow = self._records.of(optimizer)["slow"]
                for p in weights(optimizer)[len(slow) :]:
                    slow.append(p.detach().to(torch.float32, copy=True))

        def move(optimizer: Any) -> None:
            if not stage.meant(optimizer):
                return
            record = self._records.of(optimizer)
            record["steps"] += 1
            if record["steps"] % self.steps:
                return
            own = [p.detach() for p in weights(optimizer)]
            with torch.no_grad():
                full = [p if p.dtype is torch.float32 else p.float() for p in own]
                torch._foreach_lerp_(record["slow"], full, self.alpha)
                torch._foreach_copy_(own, record["slow"])

        stage.on("step_begin", begin)
        stage.on("step_end", move)

    def state_dict(self) -> dict[str, Any]:
        """Returns each optimizer's steps and slow weights, in the order of their first steps."""
        return {
            "records": [
                {"steps": record["steps"], "slow": [slow.clone() for slow in record["slow"]]}
                for record in self._records.all()
            ]
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from kept slow weights of the same optimizers, which step in the same order."""
        self._records.resume(
            [{"steps": r["steps"], "slow": [*r["slow"]]} for r in state["records"]]
        )
