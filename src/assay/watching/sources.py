"""The user's own source files, parsed: where a line can't be seen as it runs, it may be found."""

from __future__ import annotations

import ast
import linecache
import os
import sys
from collections.abc import Iterator
from contextlib import suppress

from ..seams.callsite import is_user_file, user_frame

FILES_AT_MOST = 200
CHARACTERS_AT_MOST = 1_000_000
"""Of all sources that are parsed, in one run."""


class Sources:
    """Parses the user's files that hold one of some words, each once.

    Args:
        words: Of which a file must hold one to be parsed.
    """

    def __init__(self, *words: str) -> None:
        self._words = words
        self._known: dict[str, ast.Module | None] = {}
        self._left = CHARACTERS_AT_MOST

    def trees(self) -> Iterator[tuple[str, ast.Module]]:
        """Yields path and tree: those of the frames under way first, then other modules."""
        for file in _user_files():
            if file not in self._known:
                text = "".join(linecache.getlines(file))
                self._known[file] = None
                if any(word in text for word in self._words) and len(text) <= self._left:
                    self._left -= len(text)
                    with suppress(SyntaxError, ValueError, RecursionError):  # not what runs, then
                        self._known[file] = ast.parse(text)
            tree = self._known[file]
            if tree is not None:
                yield file, tree


def _user_files() -> Iterator[str]:
    files: dict[str, None] = {}
    frame = user_frame(3)
    while frame is not None:
        files[frame.f_code.co_filename] = None
        frame = frame.f_back
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.endswith(".py"):
            files[file] = None
    own = dict.fromkeys(
        file if file[:1] == "<" else os.path.abspath(file) for file in files if is_user_file(file)
    )
    yield from list(own)[:FILES_AT_MOST]


def function_at(tree: ast.AST, line: int) -> str:
    """Returns the name of the innermost function around a line."""
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.lineno <= line <= (node.end_lineno or 0)
    ]
    return max(around, key=lambda node: node.lineno).name if around else "<module>"
