"""The trick `zero-grad`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Trick

if TYPE_CHECKING:
    from ..stage import Stage


class ZeroGrad(Trick):
    """Clears an optimizer's gradients after each of its steps.

    ## What it does
    Sets the gradient of every parameter of the optimizer to None once its step is done: what a
    missing `optimizer.zero_grad()` should have done. Where a step calls its closure more than once,
    as L-BFGS does, they are cleared before each further call as well. Where the script clears them
    too, nothing changes.

    ## Formula
    `g <- None` after each step. Source: the PyTorch documentation of `Optimizer.zero_grad`.

    ## When
    The check `zero-grad-missing` has found that gradients are carried from step to step.

    ## Cost
    None to speak of.

    ## Conflicts and order
    After the step. Gradient accumulation within a step is not touched.

    ## Common mistakes
    Lowering the rate instead: the sum of all past gradients still grows.
    """

    name = "zero-grad"
    family = "gradients"

    def attach_to(self, stage: Stage) -> None:
        """Clears when a step is done."""
        called = False

        def clear(optimizer: Any) -> None:
            if stage.meant(optimizer):
                for group in optimizer.param_groups:
                    for p in group["params"]:
                        p.grad = None

        def before_a_call(optimizer: Any) -> None:
            nonlocal called
            if called:
                clear(optimizer)
            called = True

        def after(optimizer: Any) -> None:
            nonlocal called
            called = False
            clear(optimizer)

        stage.on("closure_begin", before_a_call)
        stage.on("step_end", after)
        stage.on("step_skipped", after)
