"""The trick `optimizer`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import option, value
from ..rate.effective import Rate, set_top
from ..rate.trick import RateTrick
from .means import Means
from .swap import Swap

if TYPE_CHECKING:
    from ..stage import Stage

KINDS: dict[str, tuple[str, dict[str, Any], float]] = {
    "sgd": ("SGD", {}, 0.1),
    "momentum": ("SGD", {"momentum": 0.9}, 0.01),
    "nesterov": ("SGD", {"momentum": 0.9, "nesterov": True}, 0.01),
    "adagrad": ("Adagrad", {}, 0.01),
    "rmsprop": ("RMSprop", {}, 1e-3),
    "adam": ("Adam", {}, 1e-3),
    "adamw": ("AdamW", {}, 1e-3),
    "adafactor": ("Adafactor", {}, 1e-2),
    "schedule-free-sgd": ("ScheduleFreeSgd", {}, 1.0),
    "schedule-free-adamw": ("ScheduleFreeAdamw", {}, 2.5e-3),
}
"""Class, settings that differ from its own defaults, and the rate to begin with."""

_ALIKE = ({"SGD"}, {"Adam", "AdamW", "NAdam", "RAdam", "Adamax", "RMSprop"})


class Optimizer(RateTrick):
    """Trains with another optimizer than the script's.

    ## What it does
    Each optimizer that the script builds becomes one of the given kind as soon as its constructor
    has returned. It is the same object, so schedulers, a GradScaler, `state_dict` and what the
    script itself keeps of it stay valid. Settings of the same name that the script chose are kept.
    The rate is the script's where both are of one kind (SGD and its momenta; Adam, AdamW, RMSprop),
    else a usual one of the new kind, which the script's scheduler scales as it did its own;
    `lr=` gives it. Schedule-free kinds leave the script's scheduler out of account and are
    evaluated and saved at their mean.

    ## Formula
    That of torch's class, or of Defazio et al. 2024, "The Road Less Scheduled" (`schedule-free-`).
    Adam: Kingma and Ba 2015; AdamW: Loshchilov and Hutter 2019; Adafactor: Shazeer and Stern 2018.

    ## When
    SGD on a problem whose gradients differ by orders of magnitude from layer to layer (attention,
    embeddings): `adamw`. Adam's state does not fit into memory: `adafactor`. The length of the run
    is not known: `schedule-free-adamw`.

    ## Cost
    That of the new optimizer; while evaluating, schedule-free needs a copy of the weights.

    ## Conflicts and order
    First of the tricks on the optimizer. `betas`, `momentum`, `weight-decay`, `lr` and `warmup` act
    on the new one. LBFGS-like scripts keep their closure, called once a step.

    ## Common mistakes
    Taking the rate along: 0.1 is usual for SGD and ruins Adam. Averaging schedule-free's z with
    1 / t: early steps of a warm-up then weigh too much. Evaluating it where it trains.
    """

    name = "optimizer"
    family = "optimizer"
    kind: str = value(choices=tuple(KINDS), help="which one")
    lr: float | None = option(default=None, low=0, open_low=True, help="rate to begin with")

    def attach_to(self, stage: Stage) -> None:
        """Swaps when the outermost constructor has returned, before a scheduler is built."""
        import torch

        class_name, defaults, rate = KINDS[self.kind]
        means = None
        if self.kind.startswith("schedule-free"):
            from . import schedule_free

            kind: Any = getattr(schedule_free, class_name)
            means = Means(stage)
            means.watch(self.name)
        else:
            kind = getattr(torch.optim, class_name)
        self._scheduled = means is None
        self._rates: dict[int, float] = {}
        swapping: list[Any] = []

        def swap(optimizer: Any) -> None:
            if swapping or not stage.meant(optimizer):
                return
            alike = any({type(optimizer).__name__, class_name} <= family for family in _ALIKE)
            swapping.append(optimizer)
            try:
                swapped = Swap(optimizer, kind, defaults)
            finally:
                swapping.clear()
            stage.patches.on_undo(swapped.undo)
            if means is not None:
                means.begin(optimizer)
            if self.lr is not None or not alike:
                self._rates[id(optimizer)] = self.lr or rate
            stage.note("optimizer swapped", to=class_name)

        for optimizer in stage.optimizers:
            swap(optimizer)
        if not stage.optimizers:
            built = stage.hub.changes.switches["built"]
            built.start()
            stage.patches.on_undo(built.stop)
            stage.on("optimizer_built", swap)
        super().attach_to(stage)

    def change(self, optimizer: Any, step: int, rates: list[Rate]) -> None:
        """Gives the new kind a rate of its own."""
        if not self._scheduled:
            for rate in rates:
                rate.now = rate.base
        if id(optimizer) in self._rates:
            set_top(rates, self._rates[id(optimizer)])
