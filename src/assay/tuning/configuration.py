"""Values in a YAML, JSON or TOML file, changed in a copy; the user's file stays as it is."""

from __future__ import annotations

import copy
import hashlib
import importlib
import json
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..launch.errors import LaunchError
from .space import Value

SUFFIXES = (".yaml", ".yml", ".json", ".toml")


def known_value(path: Path, place: str) -> Value | None:
    """Returns the value at `model.depth` of a file; None for one that is null.

    Raises:
        LaunchError: The file can't be read, or has no single value there.
    """
    return _at(_read(path)[1], place, path)


def changed(path: Path, values: Mapping[str, Value], folder: Path) -> Path:
    """Writes a copy with other values, named by its content.

    Raises:
        LaunchError: The file can't be read, or the copy not be written.
    """
    text, document = _read(path)
    wanted = copy.deepcopy(document)
    for place, value in values.items():
        *above, last = place.split(".")
        inner = wanted
        for key in above:
            inner = inner[key]
        inner[last] = value
    if path.suffix == ".toml":
        new = _toml(path, text, values)
    elif path.suffix == ".json":
        new = json.dumps(wanted, indent=2, ensure_ascii=False) + "\n"
    else:
        new = str(_yaml().safe_dump(wanted, sort_keys=False, allow_unicode=True))
    if _reader(path)(new) != wanted:
        raise LaunchError(f"{path}: a copy with {', '.join(values)} changed can't be written")
    name = f"{hashlib.sha256(new.encode()).hexdigest()[:12]}-{path.name}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(new, encoding="utf-8")
    except OSError as error:
        raise LaunchError(f"can't write {folder / name}: {error.strerror}") from None
    return (folder / name).absolute()


def _read(path: Path) -> tuple[str, Any]:
    if path.suffix not in SUFFIXES:
        raise LaunchError(f"{path}: expected a file that ends in {', '.join(SUFFIXES)}")
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise LaunchError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise LaunchError(f"{path}: can't be read: {error}") from None
    try:
        return text, _reader(path)(text)
    except LaunchError:
        raise
    except Exception as error:  # each reader has errors of its own
        raise LaunchError(f"{path}: can't be understood: {error}") from None


def _reader(path: Path) -> Callable[[str], Any]:
    if path.suffix == ".json":
        return json.loads
    if path.suffix == ".toml":
        name = "tomllib" if sys.version_info >= (3, 11) else "tomli"
        loads: Callable[[str], Any] = importlib.import_module(name).loads
        return loads
    load: Callable[[str], Any] = _yaml().safe_load
    return load


def _yaml() -> Any:
    try:
        return importlib.import_module("yaml")
    except ImportError:
        raise LaunchError("a YAML file needs PyYAML: pip install 'assay[tune]'") from None


def _at(document: Any, place: str, path: Path) -> Value | None:
    inner = document
    for key in place.split("."):
        if not isinstance(inner, dict) or key not in inner:
            has = ", ".join(map(str, inner)) if isinstance(inner, dict) else "a single value"
            raise LaunchError(f"{path}: there is no {place}: at {key!r} it has {has or 'nothing'}")
        inner = inner[key]
    if not isinstance(inner, (int, float, str, type(None))):
        raise LaunchError(f"{path}: {place} is no single value")
    return inner


def _toml(path: Path, text: str, values: Mapping[str, Value]) -> str:
    """Changes lines `key = value` below their `[table]`; whoever calls reads the result again."""
    lines, table = text.splitlines(), ""
    for number, line in enumerate(lines):
        if found := re.fullmatch(r"\s*\[([^\[\]]+)\]\s*(#.*)?", line):
            table = found[1].strip() + "."
        elif found := re.match(r"\s*([\w.-]+)\s*=", line, re.ASCII):
            value = values.get(table + found[1])
            if value is not None:
                lines[number] = f"{line[: found.end()]} {json.dumps(value)}"
    return "\n".join(lines) + "\n"
