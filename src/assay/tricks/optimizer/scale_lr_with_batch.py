"""The trick `scale-lr-with-batch`."""

from __future__ import annotations

import functools
import math
import weakref
from typing import TYPE_CHECKING, Any

from ..base import option, value
from ..rate.effective import Rate, scale
from ..rate.trick import RateTrick
from ..together import Together

if TYPE_CHECKING:
    from ..stage import Stage


class ScaleLrWithBatch(RateTrick):
    """Adapts the settings of an optimizer to a batch size other than the one they were tuned for.

    ## What it does
    `scale-lr-with-batch=32` says that the script's settings were found at batch size 32. The batch
    of a step is measured at the first one: samples per call of the model, times backward passes,
    of all processes that step together; `batch=` gives it instead.

    ## Formula
    With k = batch / reference. Linear rule, for SGD: `lr <- k lr` (Goyal et al. 2017). Square-root
    rule, for Adam and RMSprop: `lr <- sqrt(k) lr`, `1 - beta <- k (1 - beta)` for each beta,
    `eps <- eps / sqrt(k)` (Malladi et al. 2022, "On the SDEs and Scaling Rules for Adaptive
    Gradient Algorithms"). `rule=auto` chooses by the optimizer.

    ## When
    A recipe is run with more or fewer samples per step than it was made for.

    ## Cost
    One multiplication per group and step.

    ## Conflicts and order
    After `betas` and `eps`, whose values are scaled; before `lr`, which sets the rate outright.
    Large batches need a `warmup`.

    ## Common mistakes
    The linear rule with Adam; the square-root rule without betas and eps, which is another
    algorithm. Beyond some batch size no rule holds: steps saved become samples wasted.
    """

    name = "scale-lr-with-batch"
    family = "optimizer"
    base_batch: int = value(low=1, help="batch size the rate was tuned for")
    rule: str = option(default="auto", choices=("auto", "linear", "square-root"), help="how")
    batch: int | None = option(
        default=None, low=1, help="samples per step, if it is not to be measured"
    )

    def attach_to(self, stage: Stage) -> None:
        """Measures the first batch, and scales from the first step on."""
        from ..stage import Stage

        self._stage = stage
        self._rows = self._seen = 0
        self._done: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
        self._kept: list[Any] = []
        super().attach_to(stage)
        if self.batch is None:
            self._measuring = measuring = Stage(stage.hub)  # ends with the first step
            self._together = Together(stage, self.name)
            measuring.root_calls(self._called)
            measuring.on("backward_begin", self._backward)
            stage.patches.on_undo(measuring.leave)

    def _called(self, given: Any, module: Any) -> Any:
        import torch

        args, kwargs = given
        tensors = [x for x in (*args, *kwargs.values()) if isinstance(x, torch.Tensor) and x.dim()]
        if tensors and torch.is_grad_enabled():
            self._rows = int(tensors[0].shape[0])
        return given

    def _backward(self, roots: Any, kept: Any) -> None:
        self._seen += self._rows

    def _batch(self, optimizer: Any) -> int:
        if self.batch is not None:
            return int(self.batch)
        samples = round(self._together.sums(optimizer, float(self._seen))[0])
        self._measuring.leave()
        if not samples:
            self._stage.refuse(self.name, "no batch was seen before the first step: give batch=N")
        return samples

    def change(self, optimizer: Any, step: int, rates: list[Rate]) -> None:
        """Scales rates at each step; other settings once."""
        if optimizer not in self._done:
            if self._kept:  # a checkpoint brought settings along that are scaled already
                self._done[optimizer] = self._kept.pop(0)
            else:
                self._done[optimizer] = self._begin(optimizer)
            _, before = self._done[optimizer]
            for group, values in zip(optimizer.param_groups, before, strict=False):
                self._stage.patches.on_undo(functools.partial(group.update, values))
        scale(rates, self._done[optimizer][0])

    def _begin(self, optimizer: Any) -> tuple[float, list[dict[str, Any]]]:
        k, rule = self._batch(optimizer) / self.base_batch, self.rule
        groups = optimizer.param_groups
        if rule == "auto":
            adaptive = any("betas" in group or "alpha" in group for group in groups)
            rule = "square-root" if adaptive else "linear"
        before: list[dict[str, Any]] = []
        if rule == "square-root":
            for group in groups:
                new = self._square_root(group, k)
                before.append({key: group[key] for key in new})
                group.update(new)
            k = math.sqrt(k)
        self._stage.note("scaled with batch", rule=rule, rate=k)
        return k, before

    def _square_root(self, group: dict[str, Any], k: float) -> dict[str, Any]:
        new: dict[str, Any] = {}
        if "betas" in group:
            new["betas"] = tuple(1 - k * (1 - beta) for beta in group["betas"])
        if "alpha" in group:
            new["alpha"] = 1 - k * (1 - group["alpha"])
        if min((*new.get("betas", ()), new.get("alpha", 0.0))) < 0:
            why = f"a batch {k:g} times the reference needs a beta below 0: the rule ends before it"
            self._stage.refuse(self.name, why)
        if isinstance(group.get("eps"), float):
            new["eps"] = group["eps"] / math.sqrt(k)
        return new

    def state_dict(self) -> dict[str, Any]:
        """Returns steps done, the factors found, and the settings from before."""
        return {**super().state_dict(), "scaled": list(self._done.values())}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on with optimizers whose checkpoints hold scaled settings."""
        super().load_state_dict(state)
        self._kept = list(state["scaled"])
