"""A change of some files, kept as insertions and replacements, so that all else stays as it is."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

import libcst as cst

from .reason import NotMechanicalError
from .source import Source


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file before and after.

    Attributes:
        path: Of the user's file, absolute.
        before, after: Its bytes.
        diff: As a unified diff.
    """

    path: Path
    before: bytes
    after: bytes
    diff: str


class Patch:
    """Collects changes of any number of files."""

    def __init__(self) -> None:
        self._changes: dict[Source, list[tuple[int, int, str]]] = {}
        self.imports: dict[Source, set[str]] = {}

    def __bool__(self) -> bool:
        return any(self._changes.values())

    def replace(self, source: Source, start: int, end: int, text: str) -> None:
        """Puts a text in the place of another; nothing is removed if `start` is `end`."""
        change = start, end, text
        known = self._changes.setdefault(source, [])
        if change not in known or start == end:
            known.append(change)

    def exchange(self, source: Source, node: cst.BaseExpression, text: str) -> None:
        """Puts a text in the place of an expression, parentheses included."""
        self.replace(source, *source.whole_span(node), text)

    def before(self, source: Source, statement: cst.CSTNode, *lines: str) -> None:
        """Puts statements before a statement."""
        start, _ = source.span(statement)
        indent = _indent(source, start)
        if indent is None or isinstance(source.parent(statement), cst.SimpleStatementSuite):
            self.replace(source, start, start, "".join(f"{line}; " for line in lines))
            return
        text = "".join(line + source.newline + indent for line in lines)
        self.replace(source, start, start, text)

    def after(self, source: Source, statement: cst.CSTNode, *lines: str) -> None:
        """Puts statements behind a statement."""
        _, end = source.span(statement)
        line = source.parent(statement)
        body = line.body if isinstance(line, cst.SimpleStatementLine) else ()
        if not body or body[-1] is not statement:
            self.replace(source, end, end, "".join(f"; {text}" for text in lines))
            return
        first, _ = source.span(body[0])
        indent = _indent(source, first) or ""
        rest = re.compile(r"[^\r\n]*(\r\n|\r|\n)?").match(source.text, end)
        assert rest is not None
        text = "".join(indent + line + source.newline for line in lines)
        if rest[1] is None:  # the file's last line has no end
            text = source.newline + text.removesuffix(source.newline)
        self.replace(source, rest.end(), rest.end(), text)

    def remove(self, source: Source, statement: cst.CSTNode) -> None:
        """Takes a statement away that has its line to itself and is not alone in its block."""
        line = source.parent(statement)
        block = source.parent(line) if line is not None else None
        alone = isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1
        if not alone or len(getattr(block, "body", ())) < 2:
            raise NotMechanicalError(f"{source.line(statement)} can't be taken away by itself")
        start, end = source.span(statement)
        begin = start - len(_indent(source, start) or "")
        rest = re.compile(r"[^\r\n]*(\r\n|\r|\n)?").match(source.text, end)
        assert rest is not None
        self.replace(source, begin, rest.end(), "")

    def files(self) -> tuple[FileChange, ...]:
        """Returns what becomes of each file.

        Raises:
            NotMechanicalError: Two changes meet, or what comes out is no Python.
        """
        made = []
        for source, changes in self._changes.items():
            text, last = [], 0
            for start, end, new in sorted(changes, key=lambda change: change[:2]):
                if start < last:
                    raise NotMechanicalError("the tricks change the same line")
                text += [source.text[last:start], new]
                last = end
            after = "".join([*text, source.text[last:]])
            try:
                cst.parse_module(after)
                raw = source.encode(after)
            except (cst.ParserSyntaxError, UnicodeError):
                raise NotMechanicalError("the edit does not fit this way of writing it") from None
            made.append(FileChange(source.path, source.raw, raw, _diff(source, after)))
        return tuple(made)


def _indent(source: Source, start: int) -> str | None:
    """Returns the blanks between a line's beginning and a place; None if more stands there."""
    begin = max(source.text.rfind("\n", 0, start), source.text.rfind("\r", 0, start)) + 1
    text = source.text[begin:start]
    return None if text.strip(" \t\f") else text


def _diff(source: Source, after: str) -> str:
    name = source.path.name
    try:
        name = source.path.relative_to(Path.cwd()).as_posix()
    except ValueError:
        name = source.path.as_posix()
    ends = re.compile(r"(?<=\n)|(?<=\r)(?!\n)")
    lines = difflib.unified_diff(
        [line for line in ends.split(source.text) if line],
        [line for line in ends.split(after) if line],
        f"a/{name.lstrip('/')}",
        f"b/{name.lstrip('/')}",
    )
    return "".join(
        line if line.endswith(("\n", "\r")) else f"{line}\n\\ No newline at end of file\n"
        for line in lines
    )
