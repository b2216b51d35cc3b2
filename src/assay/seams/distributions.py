"""Seam: what distributions are built of, what they say of values; while someone listens."""

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

DENSITIES = tuple(
    kind for kind in vars(distributions).values()
    if isinstance(kind, type) and issubclass(kind, distributions.Distribution)
    and kind is not distributions.Distribution and "log_prob" in vars(kind)
)  # fmt: skip
"""All that say a logarithm of a probability in a way of their own."""


def install(hub: Hub, patches: Patches) -> None:
    """Announces a distribution after its constructor has returned, and what `log_prob` returns."""

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

    def announce_log_prob(original: Any) -> Any:
        def log_prob(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            if not hub.in_backward and not is_recording():
                value = bind(original, args, kwargs).get("value")
                if isinstance(result, torch.Tensor) and isinstance(value, torch.Tensor):
                    hub.emit("log_probability", value, result)
            return result

        return log_prob

    densities = [(kind, "log_prob") for kind in DENSITIES]
    put_on_demand(hub, patches, "log_probability", densities, announce_log_prob)
