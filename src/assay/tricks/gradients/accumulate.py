"""The trick `accumulate`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from ..base import Option, Trick
from .counts import counted_targets
from .divided import divided
from .final import norm_so_far
from .window import Windows

if TYPE_CHECKING:
    from ..stage import Stage


class Accumulate(Trick):
    """Takes one optimizer step for every k batches, with the mean over all their targets.

    ## What it does
    Holds back the script's step, clipping and clearing of gradients until k steps are due. Each
    batch is weighted by its number of counted targets, so the step sees exactly the mean over all
    of them. When a DataLoader ends, what is left of its last window is stepped too.

    ## Formula
    `g = sum_i n_i g_i / sum_i n_i`, n_i the targets that batch i's mean was taken over: those that
    are not `ignore_index`, or the sum of their class weights. The mean of means is another number:
    57 % off on uneven masks (measured). Source: the corrected accumulation of the Transformers
    trainer, October 2024 ("Fixing Gradient Accumulation").

    ## When
    A batch as large as wanted does not fit into memory; noisy gradients of small batches.

    ## Cost
    Counting the targets; where batches differ in them, one multiplication of all gradients per
    step. k times fewer steps for the same data.

    ## Conflicts and order
    First among the tricks on gradients: the others see finished gradients. Schedulers of the script
    go on per batch, so that they end with the run. Refused: closures (LBFGS), which can't be held
    back, and optimizers that take turns (a GAN's), since each would gather the other's gradients.

    ## Common mistakes
    Dividing the loss by k: right only if every batch counts the same number of targets.
    Normalisation by batch statistics still sees the small batches.
    """

    name = "accumulate"
    family = "gradients"
    value = Option("value", int, low=1, required=True, help="batches per optimizer step")

    def attach_to(self, stage: Stage) -> None:
        """Holds back until the window of an optimizer is full."""
        import torch
        from torch.amp import grad_scaler
        from torch.nn.utils import clip_grad

        k = int(self.given.value)
        if k == 1:
            return
        windows = Windows(k)
        last: dict[str, Any] = {"targets": 1.0, "batch_used": False, "scaler": None}
        finishing: list[Callable[[], Any]] = []  # what the script does between backward and step

        def loss(name: str, function: Any, args: Any, kwargs: Any, result: Any) -> None:
            if result.requires_grad:
                last["targets"] = counted_targets(name, function, args, kwargs, result)

        def backward(roots: Any) -> Any:
            last["batch_used"] = True
            finishing.clear()
            parts = 1.0
            for known in windows.all():
                parts = known.add(last["targets"])
            return divided(roots, parts, stage.hub)

        def decide(optimizer: Any) -> bool:
            mine = windows.of(optimizer)
            if mine is None or not mine.passes:  # no gradients, or those of the step's closure
                return True
            if mine.out_of_turn:
                stage.refuse(self.name, "the script's optimizers take turns")
            for known in windows.all():
                known.one_steps()
            batches = mine.steps
            ready = mine.ready()
            stage.hub.batches_per_step = batches if ready else 1
            return ready

        def step_begin(optimizer: Any, has_closure: Any) -> None:
            if has_closure and stage.meant(optimizer):
                stage.refuse(self.name, "a step that is given a closure can't be held back")

        def ended(iterator: Any) -> None:
            used = last["batch_used"]  # not so at the end of an evaluation's loader
            full = [known for known in windows.all() if used and known.flush()]
            rest = [optimizer for known in full if (optimizer := known.optimizer()) is not None]
            for act in tuple(finishing) if rest else ():
                act()
            scaler = last["scaler"]
            for optimizer in rest:
                optimizer.step() if scaler is None else scaler.step(optimizer)
            if rest and scaler is not None:
                scaler.update()
            for optimizer in rest:
                optimizer.zero_grad()

        def unless_filling(original: Any, instead: Any = lambda *args, **kwargs: None) -> Any:
            def held(*args: Any, **kwargs: Any) -> Any:
                args = tuple(list(a) if isinstance(a, Iterator) else a for a in args)
                kwargs = {k: list(a) if isinstance(a, Iterator) else a for k, a in kwargs.items()}
                if any(known.filling for known in windows.all()):
                    finishing.append(lambda: held(*args, **kwargs))
                    return instead(*args, **kwargs)
                for known in windows.all():
                    known.average()
                return original(*args, **kwargs)

            return held

        def unless_pending(original: Any) -> Any:
            def held(owner: Any, *args: Any, **kwargs: Any) -> Any:
                mine = windows.of(owner)
                if mine is None and isinstance(owner, grad_scaler.GradScaler):
                    last["scaler"] = owner if owner.is_enabled() else last["scaler"]
                if windows.pending if mine is None else mine.pending:
                    return None
                if mine is not None:
                    mine.begin()
                return original(owner, *args, **kwargs)

            return held

        norm_unless_filling = partial(unless_filling, instead=norm_so_far)
        stage.patches.on_undo(lambda: setattr(stage.hub, "batches_per_step", 1))
        stage.each_optimizer(windows.cover)
        stage.on("loss", loss)
        stage.on("batch", lambda *_: last.update(batch_used=False))
        stage.on("loader_end", ended)
        stage.on("step_begin", step_begin)
        stage.change("backward", backward)
        stage.hold_steps(decide, first=True)
        stage.patches.wrap(torch.optim.Optimizer, "zero_grad", unless_pending)
        stage.patches.wrap(torch.nn.Module, "zero_grad", unless_pending)
        stage.patches.wrap(clip_grad, "clip_grad_norm_", norm_unless_filling)
        stage.patches.wrap(clip_grad, "clip_grad_value_", unless_filling)
        stage.patches.wrap(grad_scaler.GradScaler, "unscale_", unless_filling)
        stage.patches.wrap(grad_scaler.GradScaler, "update", unless_pending)
