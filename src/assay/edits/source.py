"""One file of the user's: its text, its syntax tree, and what stands where in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import libcst as cst
from libcst.metadata import (
    Assignment,
    MetadataWrapper,
    ParentNodeProvider,
    PositionProvider,
    QualifiedNameProvider,
    QualifiedNameSource,
    Scope,
    ScopeProvider,
)

from .reason import NotMechanicalError

N = TypeVar("N", bound=cst.CSTNode)


class Source:
    """A parsed file.

    Args:
        path: The file.

    Raises:
        NotMechanicalError: It can't be read, or is no Python that LibCST knows.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.raw = path.read_bytes()
            tree = cst.parse_module(self.raw)
        except (OSError, UnicodeError, LookupError, cst.ParserSyntaxError) as error:
            reason = str(error).splitlines()[0]
            raise NotMechanicalError(f"{path.name} can't be read as Python: {reason}") from None
        self._wrapper = MetadataWrapper(tree, unsafe_skip_copy=True)
        self.tree = self._wrapper.module
        self.text = self.tree.code
        if self.encode(self.text) != self.raw:
            raise NotMechanicalError(f"{path.name} can't be written back as it is")
        # what LibCST counts as lines: str.splitlines would also split at form feeds
        self._lines = [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", self.text))]

    def encode(self, text: str) -> bytes:
        """Returns a text as this file holds it on disk."""
        return text.encode(self.tree.encoding)

    @property
    def newline(self) -> str:
        """What ends its lines."""
        return self.tree.default_newline

    @cached_property
    def _positions(self) -> dict[cst.CSTNode, cst.metadata.CodeRange]:
        return dict(self._wrapper.resolve(PositionProvider))

    @cached_property
    def _parents(self) -> dict[cst.CSTNode, cst.CSTNode]:
        return dict(self._wrapper.resolve(ParentNodeProvider))

    @cached_property
    def _scopes(self) -> dict[cst.CSTNode, Scope | None]:
        return dict(self._wrapper.resolve(ScopeProvider))

    @cached_property
    def _names(self) -> dict[cst.CSTNode, object]:
        return dict(self._wrapper.resolve(QualifiedNameProvider))

    def offset(self, line: int, column: int) -> int:
        """Returns the place in the text of a column (in characters) of a line (from 1)."""
        return self._lines[line - 1] + column

    def offset_of_bytes(self, line: int, column: int) -> int:
        """Returns the place of a column as Python counts it: in bytes of UTF-8."""
        start = self._lines[line - 1]
        text = self.text[start : self._lines[line] if line < len(self._lines) else None]
        return start + len(text.encode()[:column].decode(errors="ignore"))

    def span(self, node: cst.CSTNode) -> tuple[int, int]:
        """Returns where a node begins and ends in the text, without parentheses around it."""
        found = self._positions[node]
        return (
            self.offset(found.start.line, found.start.column),
            self.offset(found.end.line, found.end.column),
        )

    def whole_span(self, node: cst.BaseExpression) -> tuple[int, int]:
        """Returns where a node begins and ends, with the parentheses around it."""
        start, end = self.span(node)
        for _ in getattr(node, "lpar", ()):
            start, end = self.text.rindex("(", 0, start), self.text.index(")", end) + 1
        return start, end

    def code(self, node: cst.CSTNode) -> str:
        """Returns a node as it is written, with the parentheses around it."""
        start, end = self.whole_span(node) if isinstance(node, cst.BaseExpression) else self.span(
            node
        )  # fmt: skip
        return self.text[start:end]

    def line(self, node: cst.CSTNode) -> str:
        """Returns a place as `train.py:43`."""
        return f"{self.path.name}:{self._positions[node].start.line}"

    def all(self, kind: type[N]) -> Iterator[N]:
        """Returns every node of a kind, in the order of the text."""
        found = [node for node in self._positions if isinstance(node, kind)]
        return iter(sorted(found, key=lambda node: self.span(node)))

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """Returns what a node stands in."""
        return self._parents.get(node)

    def above(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """Yields everything a node stands in, from the inside out."""
        while (up := self._parents.get(node)) is not None:
            node = up
            yield node

    def function(self, node: cst.CSTNode) -> cst.CSTNode:
        """Returns the function that a node stands in, else the module."""
        return next(
            (up for up in self.above(node) if isinstance(up, (cst.FunctionDef, cst.Lambda))),
            self.tree,
        )

    def owner(self, node: cst.CSTNode) -> cst.ClassDef | None:
        """Returns the class that a node stands in."""
        return next((up for up in self.above(node) if isinstance(up, cst.ClassDef)), None)

    def statement(self, node: cst.CSTNode) -> cst.BaseSmallStatement:
        """Returns the simple statement that a node stands in.

        Raises:
            NotMechanicalError: It stands in a lambda or in the head of a compound statement.
        """
        for up in (node, *self.above(node)):
            if isinstance(up, cst.BaseSmallStatement):
                return up
            if isinstance(up, (cst.Lambda, cst.BaseCompoundStatement)):
                break
        raise NotMechanicalError(f"{self.line(node)} is no statement of its own")

    def called(self, call: cst.Call) -> str:
        """Returns the last name called: `step` of `self.optimizer.step()`; empty if none."""
        if isinstance(call.func, cst.Attribute):
            return call.func.attr.value
        return call.func.value if isinstance(call.func, cst.Name) else ""

    def full_name(self, node: cst.CSTNode) -> str:
        """Returns `torch.nn.functional.softmax` for `F.softmax`; empty unless it is imported."""
        found: Any = self._names.get(node)
        found = found() if callable(found) else found
        names = {name.name for name in found or () if name.source is QualifiedNameSource.IMPORT}
        return names.pop() if len(names) == 1 else ""

    def bindings(self, node: cst.CSTNode, name: str) -> set[Assignment]:
        """Returns where the variable that a name means, at the place of a node, is bound."""
        scope = None
        for up in (node, *self.above(node)):
            scope = self._scopes.get(up)
            if scope is not None:
                break
        found = () if scope is None else scope[name]
        return {binding for binding in found if isinstance(binding, Assignment)}

    def same_variable(self, code: str, here: cst.CSTNode, there: cst.CSTNode) -> bool:
        """Whether `code`, a dotted name, means the same in two places."""
        if not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*", code):
            return False
        head = code.partition(".")[0]
        if head == "self" and "." in code:
            return self.owner(here) is not None and self.owner(here) is self.owner(there)
        one, other = self.bindings(here, head), self.bindings(there, head)
        return bool(one) and one == other
