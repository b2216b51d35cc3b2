"""The trick `add-parameters`."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from ..base import Trick

if TYPE_CHECKING:
    from ..stage import Stage


class AddParameters(Trick):
    """Gives an optimizer the trainable parameters of the model that no optimizer holds.

    ## What it does
    At an optimizer's first step, parameters of the model that have received a gradient and belong
    to no optimizer join its first group, with that group's settings.

    ## Formula
    None. Source: the PyTorch documentation of `Optimizer.add_param_group`.

    ## When
    The check `parameters-outside-optimizer` has found parameters that would train but don't: a head
    that was replaced after the optimizer was built, a layer forgotten in a list.

    ## Cost
    Once, at the first step.

    ## Conflicts and order
    Before all tricks that read an optimizer's parameters. Schedulers keep working, since no group
    is added.

    ## Common mistakes
    `add_param_group` after a scheduler was built: its list of rates is then one too short.
    """

    name = "add-parameters"
    family = "gradients"

    def attach_to(self, stage: Stage) -> None:
        """Looks for parameters without an optimizer at each optimizer's first step."""
        from torch.amp import grad_scaler

        optimizers: weakref.WeakSet[Any] = weakref.WeakSet(stage.optimizers)
        models: weakref.WeakSet[Any] = weakref.WeakSet(stage.models)
        done: weakref.WeakSet[Any] = weakref.WeakSet()

        def met(given: Any, module: Any) -> Any:
            if stage.meant_model(module):
                models.add(module)
            return given

        def join(optimizer: Any) -> None:
            if optimizer in done or not stage.meant(optimizer):
                return
            done.add(optimizer)
            held = {id(p) for o in optimizers for g in o.param_groups for p in g["params"]}
            held |= {id(p) for g in optimizer.param_groups for p in g["params"]}
            group = optimizer.param_groups[0]
            added = 0
            for model in models:
                for p in model.parameters():
                    if p.requires_grad and p.grad is not None and id(p) not in held:
                        held.add(id(p))
                        group["params"].append(p)
                        added += 1
            stage.note("parameters added", count=added)

        def before_unscaling(original: Any) -> Any:
            def unscale_(scaler: Any, optimizer: Any) -> Any:
                join(optimizer)  # what joins later would take its first step with scaled gradients
                return original(scaler, optimizer)

            return unscale_

        if not stage.models:
            stage.root_calls(met)
        stage.each_optimizer(optimizers.add)
        stage.on("gradients_ready", join)
        stage.patches.wrap(grad_scaler.GradScaler, "unscale_", before_unscaling)
