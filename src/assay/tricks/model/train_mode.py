"""The trick `train-mode`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Trick
from ..wrappers import bare

if TYPE_CHECKING:
    from ..stage import Stage


class TrainMode(Trick):
    """Puts a model into training mode whenever it is called with gradients on.

    ## What it does
    Calls `model.train()` before each outermost call that is made with gradients on and finds the
    model in eval mode: what a forgotten `model.train()` after an evaluation should have done.

    ## Formula
    None. Source: the PyTorch documentation of `Module.train`.

    ## When
    The check `eval-mode-in-training` has found dropout switched off and batch statistics frozen.

    ## Cost
    One attribute read per call.

    ## Conflicts and order
    Before all tricks that look at the mode. A script that evaluates without `torch.no_grad()` would
    evaluate in training mode: add the `no_grad` first.

    ## Common mistakes
    Fine-tuning with frozen batch norm is meant to be in eval mode: don't use this there.
    """

    name = "train-mode"
    family = "model"
    changes_mode = True

    def attach_to(self, stage: Stage) -> None:
        """Looks at the mode before each call."""
        import torch

        def ensure(given: Any, module: Any) -> Any:
            # the wrapper that `torch.compile` makes has a mode of its own
            is_off = not bare(module).training
            if is_off and torch.is_grad_enabled() and stage.meant_model(module):
                module.train()
            return given

        stage.root_calls(ensure)
