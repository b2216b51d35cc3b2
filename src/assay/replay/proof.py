"""Walks the source of one function for `purity`: all in it must be known to be harmless."""

from __future__ import annotations

import ast
import inspect
from types import FunctionType, ModuleType
from typing import Any

import torch

from . import effects
from .effects import BOX, DATA, FRESH, MODULE, MODULES, NUMBER, Impure, Tree, general, join, plain


def prove(tree: Tree, function: FunctionType, owner: Any, kinds: dict[str, Any]) -> None:
    """Proves that a call of this function leaves no trace; raises Impure otherwise.

    Args:
        tree: what is proved already, and where the proof stands.
        function: the function to prove.
        owner: the module that it is a method of, or None.
        kinds: kinds of its arguments by name; data for those not named.
    """
    key = (id(function.__code__), id(owner), *sorted(kinds.items(), key=lambda item: item[0]))
    if key in tree.proved:
        return
    tree.proved.add(key)
    node = effects.source_of(function)
    spec = node.args
    names = [a.arg for a in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)]
    known: dict[str, Any] = {name: kinds.get(name, DATA) for name in names}
    known.update({a.arg: BOX for a in (spec.vararg, spec.kwarg) if a is not None})
    if owner is not None and names:
        known[names[0]] = ("is", owner)
    while True:
        before = dict(known)
        proof = _Proof(tree, function, known, owner)
        for statement in node.body:
            proof.statement(statement)
        if known == before:
            return


class _Proof:
    """Walks one function; `known` holds the kind of each local, widened until nothing changes."""

    def __init__(
        self, tree: Tree, function: FunctionType, known: dict[str, Any], owner: Any
    ) -> None:
        self.tree, self.function, self.known, self.owner = tree, function, known, owner
        self.locals = {*function.__code__.co_varnames, *function.__code__.co_cellvars}

    def fail(self, node: ast.AST, what: str) -> Impure:
        line = getattr(node, "lineno", 0)
        return Impure(f"{self.function.__qualname__} (line {line}) {what}")

    # -- statements -----------------------------------------------------------------------------

    def statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Assign):
            kind = self.kind(node.value)
            for target in node.targets:
                self.bind(target, kind)
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:
                self.bind(node.target, self.kind(node.value))
        elif isinstance(node, ast.AugAssign):
            self.augment(node)
        elif isinstance(node, (ast.Return, ast.Expr)):
            if node.value is not None:
                self.kind(node.value)
        elif isinstance(node, ast.For):
            self.bind(node.target, self.element(self.kind(node.iter), node.iter))
            self.block(node.body, node.orelse)
        elif isinstance(node, (ast.While, ast.If)):
            self.kind(node.test)
            self.block(node.body, node.orelse)
        elif isinstance(node, ast.With):
            for item in node.items:
                self.context(item)
            self.block(node.body)
        elif isinstance(node, ast.Try):
            for handler in node.handlers:
                if handler.name is not None:
                    self.known[handler.name] = "unknown"
            self.block(node.body, *(h.body for h in node.handlers), node.orelse, node.finalbody)
        elif isinstance(node, ast.Assert):
            self.kind(node.test)
        elif isinstance(node, ast.Raise):
            pass  # the call that is replayed did not raise; a replay that did ends here
        elif not isinstance(node, (ast.Pass, ast.Break, ast.Continue)):
            raise self.fail(node, f"has a {type(node).__name__.lower()} statement")

    def context(self, item: ast.withitem) -> None:
        made = item.context_expr
        if not isinstance(made, ast.Call) or not effects.is_context(self.dotted(made.func)):
            raise self.fail(made, f"enters {ast.unparse(made)[:40]}")
        if item.optional_vars is not None:
            raise self.fail(made, "keeps a context")
        for given in (*made.args, *(keyword.value for keyword in made.keywords)):
            if self.dotted(given) is None and not plain(self.kind(given)):
                raise self.fail(made, "gives a context something that is no data")

    def dotted(self, node: ast.expr) -> Any:
        """Returns the object that a dotted name outside this function means; None if unknown."""
        if isinstance(node, ast.Name) and node.id not in self.locals:
            kind = self.tree.resolve(self.function, node.id)
            return kind[1] if isinstance(kind, tuple) and kind[0] == "is" else None
        if isinstance(node, ast.Attribute):
            owner = self.dotted(node.value)
            return getattr(owner, node.attr, None) if isinstance(owner, ModuleType) else None
        return None

    def block(self, *bodies: list[ast.stmt]) -> None:
        for body in bodies:
            for statement in body:
                self.statement(statement)

    def bind(self, target: ast.expr, kind: Any) -> None:
        if isinstance(target, ast.Name):
            if target.id not in self.locals:
                raise self.fail(target, f"sets the global {target.id}")
            self.known[target.id] = join(self.known.get(target.id), kind)
        elif isinstance(target, ast.Starred):
            self.bind(target.value, FRESH if plain(kind) else kind)
        elif isinstance(target, (ast.Tuple, ast.List)):
            parts = kind[1] if isinstance(kind, tuple) and kind[0] == "tuple" else None
            if parts is not None and len(parts) == len(target.elts):
                for inner, part in zip(target.elts, parts, strict=True):
                    self.bind(inner, part)
                return
            for inner in target.elts:
                self.bind(inner, self.element(kind, target))
        elif isinstance(target, ast.Subscript) and self.kind(target.value) == FRESH:
            self.kind(target.slice)
            if not plain(kind):
                raise self.fail(target, "keeps something that is no data")
        elif not self.keeps(target, kind):
            raise self.fail(target, "sets an attribute or an element")

    def keeps(self, target: ast.expr, kind: Any) -> bool:
        """Whether this stores data in a module of the tree, of which a twin has its own."""
        if isinstance(target, ast.Attribute):
            held = self.kind(target.value)
            owner = held[1] if isinstance(held, tuple) and held[0] == "is" else None
            return isinstance(owner, torch.nn.Module) and self.tree.write(owner, target.attr, kind)
        if isinstance(target, ast.Subscript):
            return plain(self.kind(target.slice)) and plain(kind) and self.is_buffer(target.value)
        return False

    def is_buffer(self, node: ast.expr) -> bool:
        """Whether this is a buffer of a module of the tree."""
        held = self.kind(node.value) if isinstance(node, ast.Attribute) else None
        owner = held[1] if isinstance(held, tuple) and held[0] == "is" else None
        return (
            isinstance(node, ast.Attribute)
            and isinstance(owner, torch.nn.Module)
            and node.attr in owner._buffers
        )

    def augment(self, node: ast.AugAssign) -> None:
        value = self.kind(node.value)
        if isinstance(node.target, ast.Name) and node.target.id in self.locals:
            held = self.known.get(node.target.id)
            if held == NUMBER:
                self.bind(node.target, NUMBER if value == NUMBER else DATA)
                return
        elif isinstance(node.target, ast.Attribute) and plain(value):
            counts = value == NUMBER and self.kind(node.target) == NUMBER
            if (counts and self.keeps(node.target, NUMBER)) or self.is_buffer(node.target):
                return
        raise self.fail(node, "changes something in place")

    # -- expressions ----------------------------------------------------------------------------

    def kind(self, node: ast.expr) -> Any:
        made = self._kind(node)
        if made == "unknown":
            raise self.fail(node, f"uses {ast.unparse(node)[:40]}, of which nothing is known")
        return made

    def _kind(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Constant):
            return NUMBER
        if isinstance(node, ast.Name):
            if node.id in self.locals:
                return self.known.get(node.id, NUMBER)
            return self.tree.resolve(self.function, node.id)
        if isinstance(node, ast.Attribute):
            return self.attribute(node)
        if isinstance(node, ast.Call):
            return self.call(node)
        if isinstance(node, ast.Subscript):
            held = self.kind(node.value)
            if not plain(self.kind(node.slice)):
                raise self.fail(node, "is indexed by something that is no data")
            if held == MODULES or isinstance(held, tuple):
                part = self.element(held, node)
                return MODULES if part == MODULE and isinstance(node.slice, ast.Slice) else part
            return NUMBER if held == NUMBER else DATA
        if isinstance(node, ast.Tuple):
            return ("tuple", tuple(self.kind(part) for part in node.elts))
        if isinstance(node, (ast.List, ast.Set, ast.Dict)):
            parts = node.values if isinstance(node, ast.Dict) else node.elts
            keys = [k for k in node.keys if k is not None] if isinstance(node, ast.Dict) else []
            kinds = [self.kind(part) for part in (*keys, *parts)]
            if all(plain(kind) for kind in kinds):
                return FRESH
            return general(("tuple", tuple(kinds)))
        if isinstance(node, (ast.ListComp, ast.GeneratorExp)):
            return self.comprehension(node)
        if isinstance(node, (ast.Lambda, ast.Yield, ast.YieldFrom, ast.Await, ast.SetComp,
                             ast.DictComp)):  # fmt: skip
            raise self.fail(node, f"has a {type(node).__name__.lower()}")
        if isinstance(node, ast.NamedExpr):
            made = self.kind(node.value)
            self.bind(node.target, made)
            return made
        if isinstance(node, (ast.BoolOp, ast.IfExp)):
            made = None
            parts = node.values if isinstance(node, ast.BoolOp) else [node.body, node.orelse]
            if isinstance(node, ast.IfExp):
                self.kind(node.test)
            for part in parts:
                made = join(made, self.kind(part))
            return made
        inner = [self.kind(c) for c in ast.iter_child_nodes(node) if isinstance(c, ast.expr)]
        return NUMBER if inner and all(kind == NUMBER for kind in inner) else DATA

    def comprehension(self, node: ast.ListComp | ast.GeneratorExp) -> Any:
        for loop in node.generators:
            names = {n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)}
            if (names - self.locals) & set(self.function.__code__.co_names):
                raise self.fail(node, "uses one name in two scopes")
            self.locals |= names
            self.bind(loop.target, self.element(self.kind(loop.iter), node))
            for test in loop.ifs:
                self.kind(test)
        made = self.kind(node.elt)
        return MODULES if general(made) == MODULE else FRESH if plain(made) else "unknown"

    def element(self, kind: Any, node: ast.AST) -> Any:
        if kind in (MODULES, MODULE):
            return MODULE
        if isinstance(kind, tuple) and kind[0] == "is" and isinstance(
            kind[1], (torch.nn.Sequential, torch.nn.ModuleList, torch.nn.ModuleDict)
        ) and effects.is_torchs(type(kind[1])):  # fmt: skip
            return MODULE
        if isinstance(kind, tuple) and kind[0] == "each":
            return kind[1]
        if isinstance(kind, tuple) and kind[0] == "tuple":
            made: Any = None
            for part in kind[1]:
                made = join(made, part)
            return made
        if plain(kind):
            return NUMBER if kind == NUMBER else DATA
        raise self.fail(node, "goes through something that is no data")

    def attribute(self, node: ast.Attribute) -> Any:
        held = self.kind(node.value)
        if isinstance(held, tuple) and held[0] == "is":
            owner = held[1]
            if isinstance(owner, torch.nn.Module):
                found = self.tree.of_module(owner, node.attr)
                if isinstance(found, tuple) and found[0] == "property":
                    prove(self.tree, found[1], owner, {})
                    return DATA
                return found
            if any(owner is space for space in effects.NAMESPACES):
                return self.tree.classify(getattr(owner, node.attr, None))
            return "unknown"
        if held == MODULE and node.attr in ("weight", "bias", "training"):
            return DATA
        if plain(held) and (effects.is_attribute(node.attr) or node.attr == "is_leaf"):
            return NUMBER if node.attr in ("shape", "ndim", "dtype", "device") else DATA
        return "unknown"

    def call(self, node: ast.Call) -> Any:
        for keyword in node.keywords:
            if keyword.arg in ("out", "inplace", "max_norm"):
                raise self.fail(node, f"may write into its argument ({keyword.arg}=)")
        given = [self.kind(a.value if isinstance(a, ast.Starred) else a) for a in node.args]
        named = {k.arg: self.kind(k.value) for k in node.keywords}
        kinds = [*given, *named.values()]
        harmless = all(plain(kind) for kind in kinds)
        callee = node.func
        parent = self.parent(callee)
        if parent is not None:
            if isinstance(parent, FunctionType):
                return self.enter(node, parent, self.owner, given, named)
            if harmless:
                return DATA
            raise self.fail(node, "gives a module something that is no data")
        if isinstance(callee, ast.Attribute):
            held = self.kind(callee.value)
            if plain(held) and effects.trusted_method(held, callee.attr) and harmless:
                return NUMBER if callee.attr in ("size", "dim", "numel", "item") else DATA
            if plain(held) or held == MODULE:
                raise self.fail(node, f"calls .{callee.attr}()")
        target = self.kind(callee)
        if target == MODULE or (
            isinstance(target, tuple) and isinstance(target[1], torch.nn.Module)
        ):
            if harmless:
                return DATA
            raise self.fail(node, "gives a module something that is no data")
        if isinstance(target, tuple) and target[0] == "method":
            return self.enter(node, target[1], target[2], given, named)
        function = target[1] if isinstance(target, tuple) and target[0] == "is" else None
        if function is len and given and not harmless:
            self.element(given[0], node)
            return NUMBER
        if function in (zip, enumerate, reversed, list, tuple) and set(named) <= {
            "strict",
            "start",
        }:
            return self.gathered(node, function, given)
        if not harmless and function is not isinstance:
            raise self.fail(
                node, f"calls {ast.unparse(callee)[:40]} with something that is no data"
            )
        result = effects.trusted_call(function)
        if result is not None:
            names = effects.signature(function)[: len(node.args)]
            if {"inplace", "max_norm", "out"} & {*names, *named}:
                raise self.fail(node, "may write into its argument")
            return FRESH if function in (list, dict, set, sorted) else result
        if isinstance(function, FunctionType) and not function.__module__.startswith("torch"):
            return self.enter(node, function, None, given, named)
        raise self.fail(node, f"calls {ast.unparse(callee)[:40]}")

    def parent(self, callee: ast.expr) -> Any:
        """Returns what `super().name` is: a function of the user's, True for torch's own forward.

        None for any other expression. Torch's own forward calls methods of `self`, which must then
        be its own as well.
        """
        if not (
            isinstance(callee, ast.Attribute)
            and isinstance(callee.value, ast.Call)
            and isinstance(callee.value.func, ast.Name)
            and callee.value.func.id == "super"
            and not callee.value.args
        ):
            return None
        names, cells = self.function.__code__.co_freevars, self.function.__closure__
        if self.owner is None or cells is None or "__class__" not in names:
            return None
        kinds = list(type(self.owner).__mro__)
        after = kinds[kinds.index(cells[names.index("__class__")].cell_contents) + 1 :]
        held = next((kind for kind in after if callee.attr in vars(kind)), None)
        if held is None:
            return None
        if not effects.is_torchs(held):
            found = vars(held)[callee.attr]
            return found if isinstance(found, FunctionType) else None
        theirs = [kind for kind in kinds if kind is not object and not effects.is_torchs(kind)]
        own = set().union(*(vars(kind) for kind in theirs)) - effects.HARMLESS - {"forward"}
        return True if callee.attr == "forward" and not own else None

    def gathered(self, node: ast.Call, function: Any, given: list[Any]) -> Any:
        parts = tuple(self.element(kind, node) for kind in given)
        if function is zip:
            return ("each", ("tuple", parts))
        if function is enumerate:
            return ("each", ("tuple", (NUMBER, parts[0])))
        if parts and general(parts[0]) == MODULE:
            return MODULES
        return FRESH if function is list else ("each", parts[0] if parts else DATA)

    def enter(
        self, node: ast.Call, function: Any, owner: Any, given: list[Any], named: dict[Any, Any]
    ) -> Any:
        if any(isinstance(a, ast.Starred) for a in node.args) or None in named:
            raise self.fail(node, "calls with * or **")
        if owner is not None and function.__module__.startswith("torch."):
            raise self.fail(node, f"calls {function.__qualname__}")
        spec = inspect.getfullargspec(function)
        names = spec.args[1:] if owner is not None else spec.args
        if len(given) > len(names):
            raise self.fail(node, "calls with *")
        kinds = {**dict(zip(names, given, strict=False)), **named}
        kinds = {name: BOX if kind == FRESH else kind for name, kind in kinds.items()}
        prove(self.tree, function, owner, kinds)
        return DATA
