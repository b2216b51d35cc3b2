"""The trick `dropout`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Trick, value
from ..model.surgery import ACTIVATIONS, hidden_activations, put_back, replace

if TYPE_CHECKING:
    from ..stage import Stage


class Dropout(Trick):
    """Sets the share of activations that are dropped in training.

    ## What it does
    Sets `p` of every dropout module of the model. A model without one gets a dropout after each
    hidden activation module.

    ## Formula
    `y = mask * x / (1 - p)`, mask 1 with probability 1 - p; in eval mode `y = x`. Source:
    Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov 2014; inverted scaling as in torch.

    ## When
    The held-out loss rises while the training loss falls. 0.1 for transformers, up to 0.5 in wide
    linear layers.

    ## Cost
    A random mask per activation.

    ## Conflicts and order
    Before the optimizer is built. `0` switches all dropout off.

    ## Common mistakes
    Dropout before a BatchNorm: its statistics in training are not those in evaluation.
    """

    name = "dropout"
    family = "regularisation"
    changes_mode = True
    p: float = value(default=0.1, low=0, high=1, open_high=True, help="share dropped, 0 to 1")

    def attach_to(self, stage: Stage) -> None:
        """Sets or inserts dropout in each model."""
        from torch import nn
        from torch.nn.modules.dropout import _DropoutNd

        replaced: list[tuple[Any, str, Any]] = []

        def begin(model: Any) -> None:
            present = [part for part in model.modules() if isinstance(part, _DropoutNd)]
            for part in present:
                replaced.append((part, "p", part.p))
                part.p = self.p
            found = [] if present else hidden_activations(model, ACTIVATIONS)
            for parent, name, old in found:
                replace(parent, name, nn.Sequential(old, nn.Dropout(self.p)), old)
                replaced.append((parent, name, old))
            if not present and not found:
                what = "neither a dropout nor an activation module"
                stage.refuse(self.name, f"{type(model).__name__} has {what}")
            stage.note("dropout", set=len(present), inserted=len(found))

        stage.patches.on_undo(lambda: put_back(replaced))
        stage.each_model(begin)
