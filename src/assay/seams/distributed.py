"""Seam: the process group, which knows a process's rank, and models that are replicated over it."""

from __future__ import annotations

from typing import Any

import torch

from .hub import Hub
from .patch import Patches


def install(hub: Hub, patches: Patches) -> None:
    """Announces the default group once it exists, and each DistributedDataParallel."""
    distributed = torch.distributed
    if not distributed.is_available():
        return

    def joined(original: Any) -> Any:
        def init_process_group(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            if distributed.is_initialized():
                hub.emit(
                    "process_group",
                    distributed.get_rank(),
                    distributed.get_world_size(),
                    distributed.get_backend(),
                )
            return result

        return init_process_group

    patches.wrap(distributed.distributed_c10d, "init_process_group", joined)

    def built(original: Any) -> Any:
        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            original(self, *args, **kwargs)
            hub.emit("replicated", self)

        return __init__

    patches.wrap(torch.nn.parallel.DistributedDataParallel, "__init__", built)
