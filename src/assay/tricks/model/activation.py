"""The trick `activation`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Trick, option, value
from .surgery import ACTIVATIONS, hidden_activations, put_back, replace

if TYPE_CHECKING:
    from ..stage import Stage

KINDS = {
    "relu": "ReLU",
    "leaky-relu": "LeakyReLU",
    "elu": "ELU",
    "selu": "SELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
}


class Activation(Trick):
    """Exchanges the activation functions between a model's hidden layers.

    ## What it does
    Before the optimizer is built, each hidden activation module (those before the last layer with
    weights) of the kind `instead-of`, or of any kind, is replaced. The output keeps its own.

    ## Formula
    `relu(x) = max(x, 0)`; leaky ReLU has slope 0.01 below 0; `gelu(x) = x Phi(x)`; `silu(x) = x
    sigmoid(x)`. Sources: Nair and Hinton 2010; Maas et al. 2013; Hendrycks and Gimpel 2016; Elfwing
    et al. 2018.

    ## When
    Saturated sigmoids or tanhs in hidden layers (`saturated-activation`): the slope of a sigmoid is
    at most 0.25, at 0, and 0.0066 at 5. Dead ReLUs (`dead-units`): a leaky ReLU keeps a gradient.

    ## Cost
    That of the new function.

    ## Conflicts and order
    Before `init`, so that weights fit the new function. Refused where the script calls functions
    such as `F.relu` itself: there is no module to exchange.

    ## Common mistakes
    "Sigmoid saturates near 0": its slope is largest there; it saturates for large inputs of either
    sign.
    """

    name = "activation"
    family = "model"
    kind: str = value(choices=tuple(KINDS), help="new function")
    instead_of: str = option(default="any", choices=("any", *KINDS), help="only this kind")

    def attach_to(self, stage: Stage) -> None:
        """Exchanges modules of each model."""
        import torch

        wanted = self.instead_of
        kinds = ACTIVATIONS if wanted == "any" else (KINDS[wanted],)
        replaced: list[tuple[Any, str, Any]] = []

        def exchange(model: Any) -> None:
            found = hidden_activations(model, kinds)
            if not found:
                stage.refuse(self.name, f"{type(model).__name__} has no such module to exchange")
            for parent, name, old in found:
                replace(parent, name, getattr(torch.nn, KINDS[self.kind])(), old)
                replaced.append((parent, name, old))
            stage.note("activations exchanged", count=len(found))

        stage.patches.on_undo(lambda: put_back(replaced))
        stage.each_model(exchange)
