"""A script as a tool gets it: nothing that people wrote about it, each line where it was."""

from __future__ import annotations

import ast
import io
import tokenize


def disguised(source: str) -> str:
    """Returns the script with comments and docstrings blanked; code keeps its line and column.

    Args:
        source: Python source.
    """
    lines = source.splitlines(keepends=True)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip() + "\n"
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        first = node.body[0] if node.body else None
        if (
            isinstance(first, ast.Expr)
            and isinstance(first.value, ast.Constant)
            and isinstance(first.value.value, str)
        ):
            assert first.end_lineno is not None
            indent = lines[first.lineno - 1][: first.col_offset]
            rest = lines[first.end_lineno - 1].encode()[first.end_col_offset :].decode()
            lines[first.lineno - 1] = f'{indent}""\n'
            for number in range(first.lineno, first.end_lineno):
                lines[number] = "\n"
            if rest.strip():
                lines[first.end_lineno - 1] = f'{indent}""{rest}'
    return "".join(lines)
