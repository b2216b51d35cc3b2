"""Seam: the loss functions of `torch.nn.functional`, and through them every `nn.*Loss`."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from .hub import Hub
from .patch import Patches
from .recording import is_plain, is_recording

NAMES = (
    "cross_entropy",
    "nll_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "huber_loss",
    "kl_div",
    "ctc_loss",
    "poisson_nll_loss",
    "gaussian_nll_loss",
    "linear_cross_entropy",
    "margin_ranking_loss",
    "hinge_embedding_loss",
    "multilabel_margin_loss",
    "soft_margin_loss",
    "multilabel_soft_margin_loss",
    "cosine_embedding_loss",
    "multi_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
)


def install(hub: Hub, patches: Patches) -> None:
    """Wraps each loss by name; a torch that lacks one of them is served with the rest."""
    evaluations = hub.listeners["evaluation_loss"]
    heard, changed, results, around = (
        hub.listeners["loss"],
        hub.changes.filters["loss"],
        hub.changes.filters["loss_result"],
        hub.changes.around["loss"],
    )

    def announce(name: str) -> Any:
        def make(original: Any) -> Any:
            def loss(*args: Any, **kwargs: Any) -> Any:
                if changed:
                    args, kwargs = hub.changes.apply("loss", (args, kwargs), name)
                if around:
                    with hub.changes.contexts("loss", name):
                        result = original(*args, **kwargs)
                else:
                    result = original(*args, **kwargs)
                if results:
                    result = hub.changes.apply("loss_result", result, name, args, kwargs)
                listened = heard or (evaluations and not torch.is_grad_enabled())
                if listened and not hub.in_backward and is_plain(result) and not is_recording():
                    if heard:
                        hub.emit("loss", name, original, args, kwargs, result)
                    if not torch.is_grad_enabled():
                        hub.emit("evaluation_loss", name, original, args, kwargs, result)
                return result

            return loss

        return make

    for name in NAMES:
        if hasattr(F, name):
            patches.wrap(F, name, announce(name))
