"""Seam: the process group, which knows a process's rank, and models that are replicated over it."""

from __future__ import annotations

from typing import Any

import torch

from .hub import Hub
from .late import when_loaded
from .on_demand import put_on_demand
from .patch import Patches

MESH = "torch.distributed.device_mesh"
SHARDING = "torch.distributed.fsdp._fully_shard._fully_shard"


def install(hub: Hub, patches: Patches) -> None:
    """Announces the default group as it is joined, and models that are replicated or sharded."""
    distributed = torch.distributed
    if not distributed.is_available():
        return

    def joined(original: Any) -> Any:
        def init_process_group(*args: Any, **kwargs: Any) -> Any:
            hub.emit("group_begin", kwargs.get("rank"), kwargs.get("world_size"))
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

    def reducing(original: Any) -> Any:
        def all_reduce(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            group = kwargs.get("group", args[2] if len(args) > 2 else None)
            hub.emit("reduced", distributed.group.WORLD if group is None else group)
            return result

        return all_reduce

    def sharding(original: Any) -> Any:
        def fully_shard(module: Any, *args: Any, **kwargs: Any) -> Any:
            for one in module if isinstance(module, (list, tuple)) else (module,):
                hub.emit("shard_begin", one)
            return original(module, *args, **kwargs)

        return fully_shard

    def laid_out(original: Any) -> Any:
        def init_device_mesh(*args: Any, **kwargs: Any) -> Any:
            mesh = original(*args, **kwargs)
            hub.emit("mesh", tuple(mesh.mesh.shape), mesh.mesh_dim_names)
            return mesh

        return init_device_mesh

    when_loaded(MESH, lambda module: patches.wrap(module, "init_device_mesh", laid_out), patches)
    place = distributed.distributed_c10d, "all_reduce"
    put_on_demand(hub, patches, "reduced", [place], reducing)
    patches.wrap(torch.nn.parallel.DistributedDataParallel, "__init__", built)
    when_loaded(SHARDING, lambda module: patches.wrap(module, "fully_shard", sharding), patches)
