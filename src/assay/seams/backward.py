"""Seam: the backward pass, by `Tensor.backward`, `torch.autograd.backward` or `.grad`."""

from __future__ import annotations

from threading import get_ident
from typing import Any

import torch

from .hub import Hub
from .patch import Patches
from .recording import is_recording


def install(hub: Hub, patches: Patches) -> None:
    """Wraps the two entry points of autograd; `Tensor.backward` calls the first."""
    heard, changed = hub.listeners, hub.changes.filters["backward"]
    is_compiling = torch.compiler.is_dynamo_compiling

    def backward(original: Any) -> Any:
        def backward(tensors: Any = None, *args: Any, **kwargs: Any) -> Any:
            if is_compiling():
                return original(tensors, *args, **kwargs)
            if changed:
                tensors = hub.changes.apply("backward", tensors)
            clock = hub.fast_clock
            if clock is not None and hub.thread == get_ident():
                try:
                    clock.on_backward_begin(tensors, False)
                except Exception as error:
                    hub.contain("backward_begin", error, by="clock")
            elif heard["backward_begin"]:
                kept = any(map(kwargs.get, ("retain_graph", "create_graph"))) or any(args[1:3])
                hub.emit("backward_begin", tensors, kept)
            hub.in_backward += 1
            try:
                result = original(tensors, *args, **kwargs)
            except Exception as error:
                hub.emit("backward_failed", tensors, error)
                raise
            finally:
                hub.in_backward -= 1
            if heard["backward_end"]:
                hub.emit("backward_end", tensors)
            return result

        return backward

    def grad(original: Any) -> Any:
        def grad(outputs: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
            if is_recording():
                return original(outputs, inputs, *args, **kwargs)
            if heard["grad_begin"]:
                hub.emit("grad_begin", outputs, inputs)
            hub.in_backward += 1
            try:
                result = original(outputs, inputs, *args, **kwargs)
            finally:
                hub.in_backward -= 1
            if heard["grad_end"]:
                hub.emit("grad_end", outputs, inputs, result)
            return result

        return grad

    def hooked(kind: str) -> Any:
        def make(original: Any) -> Any:
            def register(self: Any, *args: Any, **kwargs: Any) -> Any:
                if heard["hook_registered"]:
                    hub.emit("hook_registered", kind)
                return original(self, *args, **kwargs)

            return register

        return make

    patches.wrap(torch.autograd, "backward", backward)
    patches.wrap(torch.autograd, "grad", grad)
    patches.wrap(torch.Tensor, "register_hook", hooked("tensor"))
    patches.wrap(torch.Tensor, "retain_grad", hooked("tensor"))  # it writes .grad in any backward
    patches.wrap(torch.nn.Module, "register_full_backward_hook", hooked("module"))
    patches.wrap(torch.nn.Module, "register_full_backward_pre_hook", hooked("module"))
