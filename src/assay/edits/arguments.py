"""Arguments of a call: a literal exchanged where it stands, or a keyword added."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable
from typing import Any

import libcst as cst

from .patch import Patch
from .reason import NotMechanicalError
from .script import Caller, Script
from .source import Source

UNKNOWN = object()
"""The value of what is no literal."""
_OPERATORS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def number(value: float) -> str:
    """Writes a number as a person does: `0.0005`, `1e-5`."""
    return re.sub(r"e([-+])0*", lambda m: "e" + m[1].replace("+", ""), repr(value))


def rounded(value: float) -> float:
    """Writes a number with at most six digits."""
    return float(f"{value:.6g}") if math.isfinite(value) else value


def literal(source: Source, node: cst.BaseExpression) -> Any:
    """Returns the value of an expression of literals, such as `1e-3 * 8`; UNKNOWN if none."""
    try:
        return _value(ast.parse(source.code(node).strip(), mode="eval").body)
    except (SyntaxError, ValueError, ArithmeticError, TypeError, LookupError):
        return UNKNOWN


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Tuple):
        return tuple(_value(part) for part in node.elts)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.BinOp):
        return _OPERATORS[type(node.op)](_value(node.left), _value(node.right))
    raise ValueError("no literal")


def argument(
    source: Source, call: cst.Call, keyword: str, position: int | None = None
) -> cst.Arg | None:
    """Returns an argument by its keyword or its place; None if it is not given.

    Raises:
        NotMechanicalError: `*` or `**` may hide it.
    """
    for index, arg in enumerate(call.args):
        if arg.keyword is not None and arg.keyword.value == keyword:
            return arg
        if arg.keyword is None and not arg.star and index == position:
            return arg
    if any(arg.star for arg in call.args):
        raise NotMechanicalError(f"{source.line(call)} takes arguments from elsewhere (* or **)")
    return None


def add(patch: Patch, source: Source, call: cst.Call, keyword: str, value: str) -> None:
    """Gives a call one more keyword argument."""
    if call.args:
        _, end = source.whole_span(call.args[-1].value)
        patch.replace(source, end, end, f", {keyword}={value}")
    else:
        _, end = source.span(call)
        patch.replace(source, end - 1, end - 1, f"{keyword}={value}")


def set_value(
    patch: Patch,
    script: Script,
    caller: Caller,
    keyword: str,
    value: Callable[[Any], str],
    *,
    position: int | None = None,
    default: Any = None,
) -> None:
    """Exchanges the value of an argument, at the call or where the variable given gets it.

    Args:
        patch: Where the change goes.
        script: Whose.
        caller: The call.
        keyword: The argument.
        value: From the old value, which may be `default`, to what is written.
        position: Where the argument may stand without its keyword.
        default: What holds if it is not given.

    Raises:
        NotMechanicalError: The value comes from elsewhere; the message says from where.
    """
    source, call = caller.source, caller.call
    arg = argument(source, call, keyword, position)
    if arg is None:
        add(patch, source, call, keyword, value(default))
        return
    old = literal(source, arg.value)
    if old is not UNKNOWN:
        patch.exchange(source, arg.value, value(old))
        return
    if isinstance(arg.value, cst.Name):
        bound = source.bindings(call, arg.value.value)
        homes = [_assigned(source, binding.node) for binding in bound]
        if len(homes) == 1 and homes[0] is not None:
            old = literal(source, homes[0])
            if old is not UNKNOWN:
                patch.exchange(source, homes[0], value(old))
                return
    raise NotMechanicalError(_elsewhere(script, source, arg.value, value(default)))


def _assigned(source: Source, name: cst.CSTNode) -> cst.BaseExpression | None:
    """Returns what the statement assigns that binds this name."""
    target = source.parent(name)
    up = source.parent(target) if isinstance(target, cst.AssignTarget) else None
    if isinstance(up, cst.Assign) and len(up.targets) == 1 and up.targets[0].target is name:
        return up.value
    if isinstance(target, cst.AnnAssign) and target.target is name:
        return target.value
    return None


def _elsewhere(script: Script, source: Source, node: cst.BaseExpression, wanted: str) -> str:
    code = source.code(node)
    last = code.rpartition(".")[2] if isinstance(node, cst.Attribute) else ""
    for other in script.sources() if last else ():
        for call in other.all(cst.Call):
            if other.called(call) == "add_argument":
                names = [literal(other, arg.value) for arg in call.args if arg.keyword is None]
                options = [name for name in names if isinstance(name, str)]
                if any(name.lstrip("-").replace("-", "_") == last for name in options):
                    option = max(options, key=len)
                    return f"it is an argument of your script: pass {option} {wanted}"
    return f"it comes from {code}: make it {wanted} where that is set"
