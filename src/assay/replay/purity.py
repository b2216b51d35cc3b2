"""Whether a root module's forward may be run once more without anyone noticing: proved, or not.

It is run on a twin, which has attributes, plain containers and buffers of its own and no hooks:
there it may count its calls and keep its activations. Everything else that a forward might do
(print, write files, change what lies outside of its modules) must be proved absent from the code of
every module that isn't torch's own.
"""

from __future__ import annotations

import inspect
import sys
from types import FunctionType

import torch

from .effects import HARMLESS, Impure, Tree, is_torchs
from .proof import prove

_GLOBAL_HOOKS = ("_global_forward_hooks", "_global_forward_pre_hooks", "_global_backward_hooks",
                 "_global_backward_pre_hooks")  # fmt: skip
_MACHINERY = ("__call__", "_call_impl", "_wrapped_call_impl", "__getattr__", "__setattr__",
              "__getattribute__", "__delattr__")  # fmt: skip


def why_impure(root: torch.nn.Module) -> str | None:
    """Says what forbids running this root's forward again; None if it has no side effects."""
    machinery = sys.modules["torch.nn.modules.module"]
    if any(getattr(machinery, name, None) for name in _GLOBAL_HOOKS):
        return "global module hooks are in place"
    tree = Tree(root)
    try:
        written = None
        while written != tree.written:
            written = dict(tree.written)
            tree.proved.clear()
            for module in root.modules():
                _module(tree, module)
    except Impure as why:
        return str(why)
    except Exception as error:
        return f"the forward's code can't be analysed ({type(error).__name__}: {error})"
    return None


def is_replaced(root: torch.nn.Module) -> str | None:
    """Says what was put in place of a module's code since it was proved; None if nothing was."""
    machinery = sys.modules["torch.nn.modules.module"]
    if any(getattr(machinery, name, None) for name in _GLOBAL_HOOKS):
        return "global module hooks are in place"
    for module in root.modules():
        if "forward" in module.__dict__:
            return f"the forward of {type(module).__qualname__} is replaced"
    return None


def _module(tree: Tree, module: torch.nn.Module) -> None:
    kind = type(module)
    name = kind.__qualname__
    if "forward" in module.__dict__ or getattr(module, "_compiled_call_impl", None) is not None:
        raise Impure(f"the forward of {name} is replaced or compiled")
    if getattr(module, "max_norm", None) is not None:
        raise Impure(f"{name} rescales its weights in forward")
    if is_torchs(kind):
        return
    theirs = [c for c in kind.__mro__ if c is not object and not is_torchs(c)]
    for part in theirs:
        if any(hook in vars(part) for hook in _MACHINERY):
            raise Impure(f"{name} changes how modules work")
    forward = inspect.getattr_static(kind, "forward", None)
    owner = next((c for c in kind.__mro__ if "forward" in vars(c)), None)
    if owner is not None and is_torchs(owner) and owner is not torch.nn.Module:
        if any(set(vars(part)) - HARMLESS for part in theirs):
            raise Impure(f"{name} changes a module of torch's")
        return
    if not isinstance(forward, FunctionType):
        raise Impure(f"{name} has no plain forward")
    prove(tree, forward, module, {})
