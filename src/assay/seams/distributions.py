"""Seam: what distributions are built of, and `gumbel_softmax`, while someone listens."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import distributions

from .arguments import bind
from .hub import Hub
from .on_demand import put_on_demand
from .patch import Patches
from .recording import is_plain, is_recording

NAMES = ("Categorical", "Bernoulli", "Binomial", "Geometric", "NegativeBinomial",
         "ContinuousBernoulli")  # fmt: skip
"""Others, such as `OneHotCategorical` and `Multinomial`, are made of these."""


def install(hub: Hub, patches: Patches) -> None:
    """Announces a distribution after its constructor has returned."""

    def announce(original: Any) -> Any:
        name = original.__qualname__.removesuffix(".__init__")

        def build(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            if not hub.in_backward and not is_recording():
                given = bind(original, args, kwargs)
                probs, logits = given.get("probs"), given.get("logits")
                value = logits if probs is None else probs
                if isinstance(value, torch.Tensor) and is_plain(value):
                    hub.emit("distribution", name, probs, logits)
            return result

        return build

    places = [(getattr(distributions, name), "__init__") for name in NAMES]
    put_on_demand(hub, patches, "distribution", [*places, (F, "gumbel_softmax")], announce)
