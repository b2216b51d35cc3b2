"""Checks and limits of the user's own: from files, from installed packages, from settings."""

from __future__ import annotations

import copy
import difflib
import importlib.util
import re
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from .base import Check, Limit
from .registry import CHECKS

GROUP = "assay.checks"
"""Entry points of this group are checks of installed packages: `mine = "package.module:MyCheck"`.
One may also name a module or a sequence of checks."""


class CheckError(Exception):
    """A check of the user's own that can't be used, or a limit that no check has; one line."""


def load_checks(
    files: Iterable[Path] = (), limits: Mapping[str, Mapping[str, float]] | None = None
) -> tuple[Check, ...]:
    """Returns the shipped checks, those of installed packages and those of the user's own files.

    Args:
        files: Python files, or folders of them, that define checks.
        limits: By check and name of a limit: numbers that replace the check's own.

    Raises:
        CheckError: A file can't be read or defines no check, two checks have one name, or a limit
            is set that does not exist.
    """
    checks = list(CHECKS)
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        said = f"entry point {entry.name} of {GROUP}"
        try:
            loaded = entry.load()
        except Exception as error:
            raise CheckError(f"{said}: {_in_one_line(error)}") from None
        checks += [_valid(check, said) for check in _checks_in(loaded, said)]
    for file in files:
        for path in _python_files(file):
            checks += [_valid(check, str(path)) for check in _checks_in(_imported(path), str(path))]
    seen: dict[str, Check] = {}
    for check in checks:
        if check.name in seen and type(check) is not type(seen[check.name]):
            raise CheckError(f"two checks are called {check.name}: rename your own")
        seen[check.name] = check
    return tuple(with_limits(seen.values(), limits or {}))


def with_limits(
    checks: Iterable[Check], limits: Mapping[str, Mapping[str, float]]
) -> Iterable[Check]:
    """Yields the checks, those with limits of the user's own as copies.

    Raises:
        CheckError: There is no such check, or no such limit.
    """
    checks = list(checks)
    for name in limits:
        if name not in {check.name for check in checks}:
            raise CheckError(f"limits: {_unknown('check', name, [c.name for c in checks])}")
    for check in checks:
        given = limits.get(check.name)
        if not given:
            yield check
            continue
        own = dict(check.limits)
        for key, value in given.items():
            if key not in own:
                raise CheckError(f"limits of {check.name}: {_unknown('limit', key, list(own))}")
            own[key] = Limit(value, own[key].unit, "set in [tool.assay.limits]")
        changed = copy.copy(check)
        changed.limits = own  # type: ignore[misc]  # this instance's alone
        yield changed


def _python_files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(file for file in path.glob("*.py") if not file.name.startswith("_"))
        if not found:
            raise CheckError(f"{path}: no Python file in this folder")
        return found
    if not path.is_file():
        raise CheckError(f"{path}: there is no such file")
    return [path]


def _imported(path: Path) -> Any:
    name = "assay_own_" + re.sub(r"\W", "_", str(path.resolve()))
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise CheckError(f"{path}: not a Python file")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, KeyboardInterrupt):
            raise
        raise CheckError(f"{path}: {_in_one_line(error)}") from None
    return module


def _checks_in(loaded: Any, said: str) -> list[Check]:
    """Returns the checks that a module, a class, a check or a sequence of these holds."""
    if isinstance(loaded, Check):
        return [loaded]
    if isinstance(loaded, type) and issubclass(loaded, Check):
        return [loaded()]
    if isinstance(loaded, (list, tuple)):
        return [check for item in loaded for check in _checks_in(item, said)]
    name = getattr(loaded, "__name__", None)
    found = [
        kind()
        for kind in vars(loaded).values()
        if isinstance(kind, type) and issubclass(kind, Check) and kind.__module__ == name
    ] if hasattr(loaded, "__dict__") else []  # fmt: skip
    if not found:
        raise CheckError(f"{said}: defines no check (a subclass of assay.checks.base.Check)")
    return found


def _valid(check: Check, said: str) -> Check:
    missing = [name for name in ("name", "family", "severity", "tier") if not hasattr(check, name)]
    if missing:
        raise CheckError(f"{said}: {type(check).__name__} has no {' and no '.join(missing)}")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", str(check.name)):
        raise CheckError(f"{said}: a check's name is words joined by -, received {check.name!r}")
    for attribute, allowed in (
        ("severity", ("error", "warning", "note")),
        ("tier", ("exact", "probe", "heuristic")),
        ("status", ("stable", "preview")),
    ):
        value = getattr(check, attribute)
        if value not in allowed:
            choices = f"{', '.join(allowed[:-1])} or {allowed[-1]}"
            raise CheckError(f"{said}: {attribute} of {check.name} is {choices}, not {value!r}")
    if check.severity == "error" and check.tier == "heuristic":
        raise CheckError(f"{said}: {check.name} is heuristic, and so can't be an error")
    return check


def _unknown(what: str, name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]}?" if close else f"; known: {', '.join(known) or 'none'}"
    return f"no {what} is called {name!r}{hint}"


def _in_one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]
