"""Torch as it was: whether tricks and seams leave anything behind in it."""

from __future__ import annotations

from typing import Any

import torch
import torch._dynamo.eval_frame
import torch._dynamo.mutation_guard
from torch import nn
from torch.nn import functional as F

# the first compile makes torch patch its own optimizers and modules
torch._dynamo.eval_frame.TorchPatcher.patch()
torch._dynamo.mutation_guard.install_generation_tagging_init()


def fingerprint() -> dict[str, Any]:
    """Every attribute and every function's code where seams and tricks stand in for torch's own."""
    from torch.amp import autocast_mode, grad_scaler
    from torch.nn import init
    from torch.nn.utils import clip_grad
    from torch.optim import lr_scheduler
    from torch.optim import optimizer as base
    from torch.utils import checkpoint, data

    for kind in torch_optimizers():  # their `step` is replaced by torch when the first one is built
        kind([nn.Parameter(torch.zeros(2, 2))])
    owners: list[Any] = [
        torch, torch.Tensor, torch.autograd, F, init, clip_grad, checkpoint, nn.Module,
        data.DataLoader,
        grad_scaler.GradScaler, autocast_mode.autocast, lr_scheduler.LRScheduler,
        lr_scheduler.ReduceLROnPlateau, *torch_optimizers(), torch.optim.Optimizer,
    ]  # fmt: skip
    found: dict[str, Any] = {}
    for owner in owners:
        for name, value in vars(owner).items():
            if name.startswith("__") and name not in ("__init__", "__call__", "__enter__"):
                continue
            key = f"{getattr(owner, '__name__', owner)}.{name}"
            found[key] = (
                value,
                getattr(value, "__code__", None),
                getattr(value, "__kwdefaults__", 0),
            )
    found["pre hooks"] = list(base._global_optimizer_pre_hooks)
    found["post hooks"] = list(base._global_optimizer_post_hooks)
    return found


def torch_optimizers() -> list[type]:
    """All optimizers of torch itself."""
    made: list[type] = []
    for kind in torch.optim.Optimizer.__subclasses__():
        made += [kind, *kind.__subclasses__()]
    return [kind for kind in made if kind.__module__.startswith("torch.")]


def changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Names of what is not as it was; what torch itself loads late is no change."""
    return sorted(key for key in before if not _alike(before[key], after.get(key)))


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, tuple):
        return one[0] is other[0] and one[1:] == other[1:]
    return bool(one == other)
