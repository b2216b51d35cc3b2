"""How a function of torch or Python is spelled in a file, given what the file imports."""

from __future__ import annotations

import libcst as cst

from .patch import Patch
from .source import Source


def spelled(patch: Patch, source: Source, name: str) -> str:
    """Returns `nn.utils.get` for `torch.nn.utils.get` if the file has `from torch import nn`.

    Adds an import to the patch where the file has none that helps.
    """
    known = imported(source)
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        alias = known.get(".".join(parts[:length]))
        if alias is not None:
            return ".".join([alias, *parts[length:]])
    add_import(patch, source, f"import {parts[0]}")
    return name


def imported(source: Source) -> dict[str, str]:
    """Returns what the file's top level imports, by full name, and what it is called there."""
    found: dict[str, str] = {}
    for statement in source.tree.body:
        if not isinstance(statement, cst.SimpleStatementLine):
            continue
        for part in statement.body:
            if isinstance(part, cst.Import):
                for alias in part.names:
                    name = source.code(alias.name)
                    if alias.asname is not None:
                        found[name] = source.code(alias.asname.name)
                    else:  # `import torch.nn` makes `torch` known
                        found[name.partition(".")[0]] = name.partition(".")[0]
            elif isinstance(part, cst.ImportFrom) and part.module and not part.relative:
                module = source.code(part.module)
                for alias in () if isinstance(part.names, cst.ImportStar) else part.names:
                    name = source.code(alias.name)
                    asname = source.code(alias.asname.name) if alias.asname else name
                    found[f"{module}.{name}"] = asname
    return found


def add_import(patch: Patch, source: Source, line: str) -> None:
    """Puts an import among the file's own, or at its top."""
    if line in patch.imports.setdefault(source, set()):
        return
    patch.imports[source].add(line)
    first = [s.body[0] for s in source.tree.body if isinstance(s, cst.SimpleStatementLine)]
    plain = [s for s in first if isinstance(s, cst.Import)]
    later = [s for s in plain if source.code(s) > line]
    other = [s for s in first if isinstance(s, cst.ImportFrom) and not _is_future(source, s)]
    if plain and later and later[0] is plain[0]:
        patch.before(source, plain[0], line)
    elif plain:  # where it belongs by the alphabet, in the first group
        before = [s for s in plain if source.code(s) < line]
        patch.after(source, before[0] if len(before) == 1 else _last_of_run(before, plain), line)
    elif other:
        patch.before(source, other[0], line)
    elif source.tree.body:
        start, _ = source.span(source.tree.body[0])
        patch.replace(source, start, start, line + source.newline)


def _last_of_run(before: list[cst.Import], plain: list[cst.Import]) -> cst.Import:
    """Returns the last import up to which they are in order."""
    last = before[0]
    for statement, known in zip(before, plain, strict=False):
        if statement is not known:
            break
        last = statement
    return last


def _is_future(source: Source, statement: cst.ImportFrom) -> bool:
    return statement.module is not None and source.code(statement.module) == "__future__"


def last_import(source: Source) -> cst.BaseSmallStatement | None:
    """Returns the last import of the file's top level."""
    found = None
    for statement in source.tree.body:
        if isinstance(statement, cst.SimpleStatementLine) and isinstance(
            statement.body[-1], (cst.Import, cst.ImportFrom)
        ):
            found = statement.body[-1]
    return found
