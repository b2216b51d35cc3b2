"""The trick `scale-lr-with-batch`."""

from __future__ import annotations

import math
import weakref
from typing import TYPE_CHECKING, Any

from ..base import Option
from ..rate.effective import Rate, scale
from ..rate.trick import RateTrick

if TYPE_CHECKING:
    from ..stage import Stage


class ScaleLrWithBatch(RateTrick):
    """Adapts the settings of an optimizer to a batch size other than the one they were tuned for.

    ## What it does
    `scale-lr-with-batch=32` says that the script's settings were found at batch size 32. The batch
    of a step is measured at the first one: samples per call of the model, times backward passes,
    times processes; `batch=` gives it instead.

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
    value = Option("value", int, low=1, required=True, help="batch size the rate was tuned for")
    options = (
        Option("rule", str, "auto", choices=("auto", "linear", "square-root"), help="how"),
        Option("batch", int, low=1, help="samples per step, if it is not to be measured"),
    )

    def attach_to(self, stage: Stage) -> None:
        """Measures the first batch, and scales from the first step on."""
        self._stage = stage
        self._rows = self._seen = 0
        self._factors: weakref.WeakKeyDictionary[Any, float] = weakref.WeakKeyDictionary()
        super().attach_to(stage)
        if self.given.batch is None:
            stage.root_calls(self._called)
            stage.on("backward_begin", self._backward)

    def _called(self, given: Any, module: Any) -> Any:
        import torch

        args, kwargs = given
        tensors = [x for x in (*args, *kwargs.values()) if isinstance(x, torch.Tensor) and x.dim()]
        if tensors and torch.is_grad_enabled():
            self._rows = int(tensors[0].shape[0])
        return given

    def _backward(self, roots: Any, kept: Any) -> None:
        if not self._factors:
            self._seen += self._rows

    def _batch(self) -> int:
        import torch

        if self.given.batch is not None:
            return int(self.given.batch)
        if not self._seen:
            self._stage.refuse(self.name, "no batch was seen before the first step: give batch=N")
        distributed = torch.distributed
        ready = distributed.is_available() and distributed.is_initialized()
        return self._seen * (distributed.get_world_size() if ready else 1)

    def change(self, optimizer: Any, step: int, rates: list[Rate]) -> None:
        """Scales rates at each step; other settings once."""
        if optimizer not in self._factors:
            k = self._batch() / self.given.value
            rule = self.given.rule
            adaptive = [g for g in optimizer.param_groups if "betas" in g or "alpha" in g]
            if rule == "square-root" or (rule == "auto" and adaptive):
                for group in optimizer.param_groups:
                    self._square_root(group, k)
                k = math.sqrt(k)
            self._factors[optimizer] = k
            self._stage.note("scaled with batch", rule=rule, rate=k)
        scale(rates, self._factors[optimizer])

    def _square_root(self, group: dict[str, Any], k: float) -> None:
        new: dict[str, Any] = {}
        if "betas" in group:
            new["betas"] = tuple(1 - k * (1 - beta) for beta in group["betas"])
        if "alpha" in group:
            new["alpha"] = 1 - k * (1 - group["alpha"])
        memories = (*new.get("betas", ()), *([new["alpha"]] if "alpha" in new else []))
        if memories and min(memories) < 0:
            why = f"a batch {k:g} times the reference needs a beta below 0: the rule ends before it"
            self._stage.refuse(self.name, why)
        if isinstance(group.get("eps"), float):
            new["eps"] = group["eps"] / math.sqrt(k)
        before = {key: group[key] for key in new}
        group.update(new)
        self._stage.patches.on_undo(lambda: group.update(before))

    def state_dict(self) -> dict[str, Any]:
        """Steps done, and the factors found."""
        return {**super().state_dict(), "factors": list(self._factors.values())}
