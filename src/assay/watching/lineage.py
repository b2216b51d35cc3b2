"""Where a value came from: the lines of the script that made what a call is given.

A slice through the source by names, and nothing is run: assignments, loops and `with` of the names
that an argument mentions, then those of the names that stand in them. Parameters of a function are
followed to the frame that called it, `self.name` to the assignments in its class. What is made
elsewhere, or under another name, is not found; whoever asks has the line of the call itself.
"""

from __future__ import annotations

import ast
import linecache
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from ..seams.callsite import is_user_file

LINES_AT_MOST = 20_000
STATEMENTS_AT_MOST = 200
CALLERS_AT_MOST = 8
CHANGING = ("norm", "standard", "scale", "transform", "preproc")
"""Parts of the names of functions that change numbers."""
COMPREHENSIONS = (ast.GeneratorExp, ast.ListComp, ast.SetComp, ast.DictComp)
SPLITS = ("TensorDataset", "Subset", "random_split", "train_test_split")
LOADERS = ("DataLoader", "enumerate", "tqdm", "iter", "zip")


@dataclass
class Lineage:
    """The statements that made a value.

    Attributes:
        file: The script's.
        call: The line of the call that was given the value.
        made: Lines before the call's own loop or function that made it, in the file's order.
        near: Lines of that loop or function, with the call's own.
        changes: Those of both that compute with numbers, or call what does.
        loaders: Those that only pass it on: a DataLoader, a loop through one, a function's call.
        callees: What those that assign the result of a call have called.
        splits: Those that cut or wrap a data set without changing it.
        names: The names that were followed, the nearest to the call first.
    """

    file: str
    call: int
    made: list[int] = field(default_factory=list)
    near: list[int] = field(default_factory=list)
    changes: set[int] = field(default_factory=set)
    loaders: set[int] = field(default_factory=set)
    callees: dict[int, str] = field(default_factory=dict)
    splits: set[int] = field(default_factory=set)
    names: list[str] = field(default_factory=list)


def lineage(frame: Any) -> Lineage | None:
    """Returns what made the arguments of the call that a user's frame is at; None if unknown."""
    tree = _tree(frame.f_code.co_filename)
    call = None if tree is None else _call(tree, frame)
    if tree is None or call is None:
        return None
    slicer = _Slicer(tree, frame)
    for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
        slicer.follow(argument, frame)
    return slicer.found(call)


def unlike(training: Lineage | None, held_out: Lineage | None) -> tuple[str, int] | None:
    """Returns the line at which two values were made in different ways; None if it is not known.

    A line that changes the one and not the other, where the data are made; else the one that gives
    a model the second without what the first went through.
    """
    if training is None or held_out is None or training.file != held_out.file:
        return None if held_out is None else (held_out.file, held_out.call)
    only = [n for n in training.made if n not in {*held_out.made, *held_out.near}]
    other = [n for n in held_out.made if n not in {*training.made, *training.near}]
    for lines, of in ((other, held_out), (only, training)):
        if changing := [n for n in lines if n in of.changes]:
            callee = of.callees.get(changing[-1])
            twins = [n for n in other if callee and held_out.callees.get(n) == callee]
            return training.file, twins[-1] if twins else changing[-1]
    if any(n in training.changes for n in training.near):
        return training.file, held_out.call
    if sets := [n for n in other if n not in held_out.loaders]:
        return training.file, sets[-1]
    return training.file, other[-1] if other else held_out.call


def _tree(filename: str) -> ast.Module | None:
    source = linecache.getlines(filename)
    if not source or len(source) > LINES_AT_MOST:
        return None
    try:
        return ast.parse("".join(source))
    except (SyntaxError, ValueError, RecursionError):
        return None


def _call(tree: ast.AST, frame: Any) -> ast.Call | None:
    """Returns the call that a frame is at: the outermost that ends where the instruction does."""
    positions = getattr(frame.f_code, "co_positions", None)
    where = next(islice(positions(), frame.f_lasti // 2, None), None) if positions else None
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call)]
    if where is not None and where[1] is not None:
        for call in calls:
            if (call.lineno, call.end_lineno, call.col_offset, call.end_col_offset) == where:
                return call
    line = frame.f_lineno
    return next((c for c in calls if c.lineno <= line <= (c.end_lineno or c.lineno)), None)


class _Slicer:
    """Follows names from a call to the statements that bind them."""

    def __init__(self, tree: ast.Module, frame: Any) -> None:
        self.tree, self.frame = tree, frame
        self.statements: dict[int, ast.AST] = {}
        self.names: list[str] = []
        self._seen: set[tuple[str, str | None]] = set()

    def follow(self, value: ast.AST, frame: Any) -> None:
        """Adds the statements that bind the names in an expression, as this frame knows them."""
        for name in _names(value):
            self._bind(name, frame)

    def _bind(self, name: str, frame: Any) -> None:
        line = frame.f_lineno
        while frame.f_code.co_name in ("<genexpr>", "<listcomp>", "<setcomp>", "<dictcomp>"):
            frame = frame.f_back
        code = frame.f_code
        scope = None if code.co_name == "<module>" else code.co_name
        local = "." in name or name in code.co_varnames or name in code.co_cellvars
        where = scope if local and "." not in name else None
        if (name, where) in self._seen or len(self.statements) > STATEMENTS_AT_MOST:
            return
        self._seen.add((name, where))
        self.names.append(name)
        if where is not None and name in code.co_varnames[: code.co_argcount]:
            self._from_caller(name, frame)
        root: ast.AST | None = self.tree if where is None else _function(self.tree, code)
        bound = list(_bindings(root, name, whole="." in name))
        for statement, value in _reaching(bound, line):
            self.statements[statement.lineno] = statement  # type: ignore[attr-defined]
            if value is not None:
                self.follow(value, frame)

    def _from_caller(self, name: str, frame: Any) -> None:
        at = list(frame.f_code.co_varnames).index(name)
        caller = frame.f_back
        for _ in range(CALLERS_AT_MOST):
            if caller is None or is_user_file(caller.f_code.co_filename):
                break
            caller = caller.f_back
        if caller is None or caller.f_code.co_filename != self.frame.f_code.co_filename:
            return
        call = _call(self.tree, caller)
        if call is None:
            return
        named = {k.arg: k.value for k in call.keywords}
        first = frame.f_code.co_varnames[:1] == ("self",) and isinstance(call.func, ast.Attribute)
        at -= bool(first)
        given = named.get(name) or (call.args[at] if 0 <= at < len(call.args) else None)
        if given is not None:
            self.statements[call.lineno] = call
            self.follow(given, caller)

    def found(self, call: ast.Call) -> Lineage:
        """Sorts what was found by where it stands."""
        file = self.frame.f_code.co_filename
        found = Lineage(file if file[:1] == "<" else os.path.abspath(file), call.lineno)
        found.names = self.names
        self.statements.setdefault(call.lineno, call)
        near = _loop_of(self.tree, call)
        for line, statement in sorted(self.statements.items()):
            (found.near if near <= line <= (call.end_lineno or line) else found.made).append(line)
            if isinstance(statement, (ast.For, ast.AsyncFor)):
                statement = statement.iter
            elif isinstance(statement, COMPREHENSIONS):
                statement = statement.generators[0].iter
            if _changes(statement):
                found.changes.add(line)
            if isinstance(statement, ast.Assign) and (callee := _called(statement.value)):
                found.callees[line] = callee
            if any(_called(n) in SPLITS for n in ast.walk(statement)):
                found.splits.add(line)
            handed = isinstance(statement, ast.Call) and line != call.lineno
            if handed or any(_called(n) in LOADERS for n in ast.walk(statement)):
                found.loaders.add(line)
        return found


def _names(value: ast.AST) -> Iterator[str]:
    """Yields the names that an expression reads; `self.data` is one of them."""
    for node in ast.walk(value):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "self":
                yield f"self.{node.attr}"
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id != "self":
            yield node.id


def _bindings(
    root: ast.AST | None, name: str, *, whole: bool
) -> Iterator[tuple[ast.AST, ast.AST | None]]:
    """Yields each statement that binds a name, with the part of its value that is bound to it."""
    for node in () if root is None else _walk(root, whole=whole or isinstance(root, ast.Module)):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from ((node, part) for part in _parts(target, node.value, name))
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign)) and _is(node.target, name):
            yield node, node.value
        elif isinstance(node, (ast.For, ast.AsyncFor)) and _binds(node.target, name):
            yield node, node.iter
        elif isinstance(node, COMPREHENSIONS):
            yield from ((node, g.iter) for g in node.generators if _binds(g.target, name))
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            if _binds(node.optional_vars, name):
                yield node.context_expr, node.context_expr
        elif (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Attribute)
            and node.value.func.attr.endswith("_")
            and _is(node.value.func.value, name)
        ):
            yield node, node.value  # x.div_(255)


def _reaching(
    bound: list[tuple[ast.AST, ast.AST | None]], line: int
) -> list[tuple[ast.AST, ast.AST | None]]:
    """Returns those bindings that a line sees: a loop around it binds its variable anew."""
    around = [
        node
        for node, _ in bound
        if isinstance(node, (ast.For, ast.AsyncFor, *COMPREHENSIONS))
        and node.lineno <= line <= (node.end_lineno or 0)
    ]
    if not around:
        return [each for each in bound if not isinstance(each[0], COMPREHENSIONS)]
    loop = max(around, key=lambda node: node.lineno)
    end = loop.end_lineno or 0
    return [(n, value) for n, value in bound if loop.lineno <= n.lineno <= end]  # type: ignore[attr-defined]


def _walk(root: ast.AST, *, whole: bool) -> Iterator[ast.AST]:
    """Yields the nodes of a scope; of a module those of its functions only where `self` is meant.

    A module's own statements and those of its functions are told apart by who asks: a name of a
    function is looked for in that function alone.
    """
    waiting = [root]
    while waiting:
        node = waiting.pop(0)
        yield node
        inner = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        method = inner and any(isinstance(n, ast.arg) and n.arg == "self" for n in ast.walk(node))
        if node is root or not inner or (whole and (method or not isinstance(root, ast.Module))):
            waiting.extend(ast.iter_child_nodes(node))


def _parts(target: ast.AST, value: ast.AST, name: str) -> Iterator[ast.AST]:
    """Yields what of a value goes to a name: of `a, b = f(x), g(y)` the one that stands there."""
    if _is(target, name):
        yield value
    elif isinstance(target, (ast.Tuple, ast.List)):
        for at, element in enumerate(target.elts):
            if _binds(element, name):
                yield _element(value, at, len(target.elts))


def _element(value: ast.AST, at: int, of: int) -> ast.AST:
    if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == of:
        return value.elts[at]
    if isinstance(value, (ast.GeneratorExp, ast.ListComp)) and len(value.generators) == 1:
        source = value.generators[0].iter
        if isinstance(source, (ast.Tuple, ast.List)) and len(source.elts) == of:
            return source.elts[at]
    return value


def _is(target: ast.AST, name: str) -> bool:
    """Whether an assignment to a target changes what has this name: `x`, `x[i]`, `self.x`."""
    if isinstance(target, ast.Subscript):
        target = target.value
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
        return name == f"{target.value.id}.{target.attr}"
    return isinstance(target, ast.Name) and target.id == name


def _binds(target: ast.AST, name: str) -> bool:
    if isinstance(target, (ast.Tuple, ast.List)):
        return any(_binds(element, name) for element in target.elts)
    if isinstance(target, ast.Starred):
        return _binds(target.value, name)
    return _is(target, name)


def _function(tree: ast.AST, code: Any) -> ast.AST | None:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == code.co_name:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if first == code.co_firstlineno:
                return node
    return None


def _loop_of(tree: ast.AST, call: ast.Call) -> int:
    """Returns the first line of the innermost function or outermost loop around a call."""
    first, inside = call.lineno, False
    kinds = (ast.For, ast.While, ast.AsyncFor, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):  # breadth first: the outermost come first
        if isinstance(node, kinds) and node.lineno <= call.lineno <= (node.end_lineno or 0):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or not inside:
                first = node.lineno
            inside = True
    return first


def _called(node: ast.AST) -> str:
    if not isinstance(node, ast.Call):
        return ""
    of = node.func
    return of.attr if isinstance(of, ast.Attribute) else of.id if isinstance(of, ast.Name) else ""


def _changes(statement: ast.AST) -> bool:
    """Whether a statement computes with numbers, or calls something that is named for it."""
    for node in ast.walk(statement):
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Div, ast.Sub, ast.Mult)):
            return True
        if isinstance(node, ast.AugAssign) and isinstance(node.op, (ast.Div, ast.Sub, ast.Mult)):
            return True
        if any(part in _called(node).lower() for part in (*CHANGING, "div", "sub")):
            return True
        if isinstance(node, ast.keyword) and any(p in (node.arg or "").lower() for p in CHANGING):
            return True
    return False
