"""Seam: processes that torch started, torchrun's or those of `mp.spawn`, and that failed."""

from __future__ import annotations

from typing import Any

from torch.multiprocessing.spawn import ProcessContext

from .hub import Hub
from .late import when_loaded
from .patch import Patches

ELASTIC = "torch.distributed.elastic.multiprocessing.errors"


def install(hub: Hub, patches: Patches) -> None:
    """Listens where torch says that a child has failed; nothing is asked of the children."""

    def joined(original: Any) -> Any:
        def join(self: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                return original(self, *args, **kwargs)
            except BaseException:
                for index, process in enumerate(self.processes):
                    if process.exitcode:
                        hub.emit("child_failed", process.pid, index, process.exitcode)
                raise

        return join

    def failed(original: Any) -> Any:
        def __init__(self: Any, name: Any, failures: Any, *args: Any) -> None:
            original(self, name, failures, *args)
            for rank, failure in failures.items():
                hub.emit("child_failed", failure.pid, rank, failure.exitcode)

        return __init__

    def loaded(module: Any) -> None:
        patches.wrap(module.ChildFailedError, "__init__", failed)

    patches.wrap(ProcessContext, "join", joined)
    when_loaded(ELASTIC, loaded, patches)
