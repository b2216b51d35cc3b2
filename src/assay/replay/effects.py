"""Whether calling a Python function can change anything but its own locals: proved, or not.

The proof reads the function's source and is conservative: what is not known to be harmless is not
pure. Source is believed only if compiling it gives the very code object that runs.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import inspect
import linecache
import math
import sys
from functools import lru_cache
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import torch
import torch.nn.functional as F

from . import pure

DATA = "data"  # tensors, numbers, strings, tuples of them: no method that we allow changes them
NUMBER = "number"  # immutable: augmented assignment only rebinds the name
BOX = "box"  # a list or dict that existed before the call
FRESH = "fresh"  # a list or dict made in this function
MODULE = "module"  # some module of the tree, each of which is proved by itself
MODULES = "modules"  # a container of these
_PLAIN = {DATA, NUMBER, BOX, FRESH}
NAMESPACES = (torch, F, math, torch.nn, torch.linalg, torch.fft, torch.special)

_ATTRIBUTES = {"shape", "ndim", "dtype", "device", "T", "mT", "H", "mH", "real", "imag", "data",
               "is_cuda", "layout", "requires_grad", "itemsize", "nbytes"}  # fmt: skip
_ALLOWED = ((torch, "", pure.TORCH), (F, "", pure.FUNCTIONAL), (math, "", pure.MATH),
            (torch.linalg, "linalg_", pure.LINALG), (torch.fft, "fft_", pure.FFT),
            (torch.special, "special_", pure.SPECIAL))  # fmt: skip
_READING = {"items", "keys", "values", "get", "index", "count", "copy"}
_GROWING = _READING | {"append", "extend", "insert", "pop", "setdefault", "update", "reverse"}
_BUILTINS = {len, range, zip, enumerate, reversed, sum, min, max, abs, int, float, bool, str, tuple,
             list, dict, set, isinstance, sorted, any, all, round, slice}  # fmt: skip
_NUMBERS = {len, range, int, float, bool, str, round, isinstance}


HARMLESS = {"__init__", "__module__", "__doc__", "__annotations__", "__qualname__", "extra_repr",
             "reset_parameters", "__firstlineno__", "__static_attributes__",
             "__constants__", "__classdictcell__", "__annotate__", "__annotate_func__",
             "__annotations_cache__"}  # fmt: skip
"""What a subclass of a module may define that a forward pass never calls."""

_CONTEXTS = (torch.no_grad, torch.enable_grad, torch.set_grad_enabled, torch.autocast,
             torch.amp.autocast, torch.profiler.record_function,
             contextlib.nullcontext)  # fmt: skip


class Impure(Exception):
    """The proof failed; says why."""


@lru_cache(maxsize=64)
def _codes(filename: str) -> dict[tuple[str, int], tuple[CodeType, ast.AST]]:
    source = "".join(linecache.getlines(filename))
    if not source:
        return {}
    tree = ast.parse(source, filename)
    nodes = {
        (node.name, min([node.lineno, *(d.lineno for d in node.decorator_list)])): node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    }
    found: dict[tuple[str, int], tuple[CodeType, ast.AST]] = {}
    waiting = [compile(source, filename, "exec", dont_inherit=True)]
    while waiting:
        code = waiting.pop()
        key = code.co_name, code.co_firstlineno
        if key in nodes:
            found[key] = code, nodes[key]
        waiting += [c for c in code.co_consts if isinstance(c, CodeType)]
    return found


def source_of(function: FunctionType) -> ast.FunctionDef:
    """Returns the syntax tree of a function; Impure if it isn't proved to be this function's."""
    code = function.__code__
    try:
        known, node = _codes(code.co_filename)[code.co_name, code.co_firstlineno]
    except (KeyError, SyntaxError, ValueError, OSError):
        raise Impure(f"the source of {function.__qualname__} is not to be had") from None
    if known != code or not isinstance(node, ast.FunctionDef):
        raise Impure(f"the source of {function.__qualname__} is not what runs")
    if node.decorator_list:
        raise Impure(f"{function.__qualname__} is decorated")
    return node


def join(a: Any, b: Any) -> Any:
    """Returns the kind of a value that is one or the other."""
    if a is None or b is None or a == b:
        return b if a is None else a
    if a in ("unknown",) or b in ("unknown",):
        return "unknown"
    kinds = {general(a), general(b)}
    if kinds == {MODULE}:
        return MODULE
    return DATA if kinds <= {DATA, NUMBER} else BOX if kinds <= _PLAIN else "unknown"


def general(kind: Any) -> Any:
    """Returns the kind without what is known more exactly of it."""
    if isinstance(kind, tuple) and kind[0] == "is" and isinstance(kind[1], torch.nn.Module):
        return MODULE
    if isinstance(kind, tuple) and kind[0] == "tuple":
        made: Any = None
        for part in kind[1]:
            made = join(made, part)
        return MODULES if general(made) == MODULE else made if made in _PLAIN else "unknown"
    return kind


def plain(kind: Any) -> bool:
    """Whether a value of this kind is data and nothing that can be called."""
    return general(kind) in _PLAIN


def _immutable(value: Any) -> bool:
    if isinstance(value, tuple):
        return len(value) < 1000 and all(_immutable(v) for v in value)
    return type(value) in (
        int,
        float,
        bool,
        str,
        bytes,
        complex,
        type(None),
        type(...),
    ) or isinstance(value, (torch.dtype, torch.device, torch.layout, torch.memory_format, slice))


def is_torchs(kind: type) -> bool:
    """Whether this is a module class of torch itself."""
    if not kind.__module__.startswith("torch.nn.modules."):
        return False
    return getattr(sys.modules.get(kind.__module__), kind.__name__, None) is kind


class Tree:
    """The modules that belong to the root, and how names of the user's code are to be taken."""

    def __init__(self, root: torch.nn.Module) -> None:
        self.members = {id(module) for module in root.modules()}
        self.proved: set[tuple[Any, ...]] = set()
        self.written: dict[tuple[int, str], Any] = {}
        """Kinds that a forward keeps in attributes of modules: a twin has attributes of its own."""

    def classify(self, value: Any) -> Any:
        """Returns the kind of an object that exists; "unknown" for what nothing is known of."""
        if type(value) in (torch.Tensor, torch.nn.Parameter):
            return DATA
        if _immutable(value):
            return NUMBER
        if isinstance(value, torch.nn.Module):
            return ("is", value) if id(value) in self.members else "unknown"
        if type(value) in (list, dict, set, frozenset, tuple):
            inside = list(value.values()) if type(value) is dict else list(value)
            if len(inside) > 1000:
                return "unknown"
            if inside and all(isinstance(v, torch.nn.Module) for v in inside):
                return MODULES if all(id(v) in self.members for v in inside) else "unknown"
            if all(_immutable(v) or type(v) in (torch.Tensor, torch.nn.Parameter) for v in inside):
                return DATA if type(value) is tuple else BOX
            return "unknown"
        callable_kinds = (FunctionType, BuiltinFunctionType, MethodType, ModuleType, type)
        return ("is", value) if isinstance(value, callable_kinds) or callable(value) else "unknown"

    def of_module(self, module: torch.nn.Module, name: str) -> Any:
        """Returns the kind of `module.name`."""
        written = self.written.get((id(module), name))
        for held in (module._parameters, module._buffers, module._modules, module.__dict__):
            if name in held:
                kind = self.classify(held[name])
                kind = FRESH if kind == BOX and held is module.__dict__ else kind
                return kind if written is None else join(kind, written)
        if written is not None:
            return written
        found = inspect.getattr_static(type(module), name, None)
        if isinstance(found, FunctionType):
            return ("method", found, module)
        if isinstance(found, property) and isinstance(found.fget, FunctionType):
            return ("property", found.fget, module)
        return self.classify(found) if _immutable(found) and found is not None else "unknown"

    def write(self, module: torch.nn.Module, name: str, kind: Any) -> bool:
        """Notes that a forward keeps data in an attribute; returns False where it may not."""
        found = inspect.getattr_static(type(module), name, None)
        if not plain(kind) or hasattr(type(found), "__set__") or name in module._modules:
            return False
        known = self.written.get((id(module), name))
        self.written[id(module), name] = join(known, DATA if isinstance(kind, tuple) else kind)
        return True

    def resolve(self, function: FunctionType, name: str) -> Any:
        """Returns the kind of a name that is no local of this function."""
        code = function.__code__
        if name in code.co_freevars:
            try:
                cell = (function.__closure__ or ())[code.co_freevars.index(name)]
                return self.classify(cell.cell_contents)
            except (ValueError, IndexError):
                return "unknown"
        if name in function.__globals__:
            return self.classify(function.__globals__[name])
        return (
            self.classify(getattr(builtins, name, None)) if hasattr(builtins, name) else "unknown"
        )


def _unwrapped(function: Any) -> Any:
    return getattr(function, "__wrapped__", function)


def trusted_call(function: Any) -> Any:
    """Returns the kind that a library function returns; None if it may do harm."""
    try:
        if function in _BUILTINS:
            return NUMBER if function in _NUMBERS else DATA
    except TypeError:
        return None
    name = getattr(function, "__name__", "")
    for space, prefix, allowed in _ALLOWED:
        own = name.removeprefix(prefix)
        if own in allowed and _unwrapped(getattr(space, own, None)) is _unwrapped(function):
            return NUMBER if space is math else DATA
    return None


def is_context(made: Any) -> bool:
    """Whether this makes a context that puts back what it changes, and changes torch alone."""
    return any(made is known for known in _CONTEXTS)


def trusted_method(kind: Any, name: str) -> bool:
    """Whether calling this method on data changes nothing that outlives the call."""
    broad = general(kind)
    if broad == FRESH:
        return name in _GROWING
    if broad == BOX:
        return name in _READING
    return broad in (DATA, NUMBER) and (name in pure.METHODS or name in _READING)


def is_attribute(name: str) -> bool:
    """Whether this is a property of a tensor that only reads."""
    return name in _ATTRIBUTES


def signature(function: Any) -> tuple[str, ...]:
    """Returns the names of a function's parameters; none if it doesn't tell."""
    try:
        return tuple(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return ()
