"""The trick `accumulate`."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ..base import Option, Trick
from .counts import counted_targets
from .window import Window

if TYPE_CHECKING:
    from ..stage import Stage


class Accumulate(Trick):
    """Takes one optimizer step for every k batches, with the mean over all their targets.

    ## What it does
    Holds back the script's step, clipping and clearing of gradients until k backward passes are
    done. Each is weighted by its number of counted targets, so the step sees exactly the mean over
    all of them. When a DataLoader ends, what is left of its last window is stepped too.

    ## Formula
    `g = sum_i n_i g_i / sum_i n_i`, n_i the targets that batch i's mean was taken over: those that
    are not `ignore_index`, or the sum of their class weights. The mean of means is another number:
    57 % off on uneven masks (measured). Source: the corrected accumulation of the Transformers
    trainer, October 2024 ("Fixing Gradient Accumulation").

    ## When
    A batch as large as wanted does not fit into memory; noisy gradients of small batches.

    ## Cost
    One multiplication of all gradients per step; k times fewer steps for the same data.

    ## Conflicts and order
    First among the tricks on gradients: the others see finished gradients. Schedulers of the script
    go on per batch, so that they end with the run. Closures (LBFGS) can't be held back.

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
        windows: weakref.WeakKeyDictionary[Any, Window] = weakref.WeakKeyDictionary()
        last: dict[str, Any] = {"targets": 1.0, "batch_used": False, "scaler": None}
        finishing: list[Callable[[], Any]] = []  # what the script does between backward and step

        def loss(name: str, function: Any, args: Any, kwargs: Any, result: Any) -> None:
            if result.requires_grad:
                last["targets"] = counted_targets(name, function, args, kwargs)

        def backward(roots: Any) -> Any:
            last["batch_used"] = True
            finishing.clear()
            if not isinstance(roots, torch.Tensor) or roots.numel() != 1:
                return roots
            factor = 1.0
            for known in windows.values():
                factor = known.add(last["targets"])
            return roots if factor == 1.0 else roots * factor

        def decide(optimizer: Any) -> bool:
            return windows[optimizer].ready(optimizer)

        def batch(loader: Any, content: Any, waited: float) -> None:
            last["batch_used"] = False

        def ended(iterator: Any) -> None:
            if last["batch_used"]:  # not so at the end of an evaluation's loader
                for optimizer, known in list(windows.items()):
                    if known.flush(optimizer):
                        for act in tuple(finishing):
                            act()
                        if last["scaler"] is not None:
                            last["scaler"].step(optimizer)
                            last["scaler"].update()
                        else:
                            optimizer.step()
                        optimizer.zero_grad()

        def unless_filling(original: Any) -> Any:
            def held(*args: Any, **kwargs: Any) -> Any:
                args = tuple(list(a) if isinstance(a, Iterator) else a for a in args)
                if any(known.filling for known in windows.values()):
                    finishing.append(lambda: held(*args, **kwargs))
                    return None
                for optimizer, known in windows.items():
                    known.average(optimizer)
                return original(*args, **kwargs)

            return held

        def unless_pending(original: Any) -> Any:
            def held(owner: Any, *args: Any, **kwargs: Any) -> Any:
                if isinstance(owner, grad_scaler.GradScaler) and owner.is_enabled():
                    last["scaler"] = owner
                mine = windows.get(owner) if isinstance(owner, torch.optim.Optimizer) else None
                concerned = [mine] if mine is not None else list(windows.values())
                if any(known.pending for known in concerned):
                    return None
                return original(owner, *args, **kwargs)

            return held

        def begin(optimizer: Any) -> None:
            windows[optimizer] = Window(k)

        stage.each_optimizer(begin)
        stage.on("loss", loss)
        stage.on("batch", batch)
        stage.on("loader_end", ended)
        stage.change("backward", backward)
        stage.hold_steps(decide, first=True)
        stage.patches.wrap(torch.optim.Optimizer, "zero_grad", unless_pending)
        stage.patches.wrap(torch.nn.Module, "zero_grad", unless_pending)
        stage.patches.wrap(clip_grad, "clip_grad_norm_", unless_filling)
        stage.patches.wrap(clip_grad, "clip_grad_value_", unless_filling)
        stage.patches.wrap(grad_scaler.GradScaler, "unscale_", unless_filling)
        stage.patches.wrap(grad_scaler.GradScaler, "update", unless_pending)
