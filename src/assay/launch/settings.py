"""A user's lasting choices: `[tool.assay]` in the nearest pyproject.toml."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import LaunchError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]


@dataclass(frozen=True)
class Settings:
    """What `[tool.assay]` says; None and empty where it is silent.

    Attributes:
        ignore: Checks that are not run.
        only: Checks that are run, all if empty.
        fail_on: `error` or `warning`: findings that bad give exit status 1.
        steps: Optimizer steps after which the script is stopped.
        seconds: Time after which the script is stopped.
        quiet: Print no report where nothing was found.
        run_dir: The folder of all runs, absolute; the file names it relative to itself.
        budget: How closely a run is looked at, above 0 and at most 1; 0.02 takes twice as many
            samples as the default, 0.01.
        checks: Files, or folders of them, that define checks of the user's own; absolute.
        limits: By check and name of a limit: numbers that replace the check's own.
        source: The file that was read.
    """

    ignore: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    fail_on: str | None = None
    steps: int | None = None
    seconds: float | None = None
    quiet: bool = False
    run_dir: Path | None = None
    budget: float | None = None
    checks: tuple[Path, ...] = ()
    limits: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    source: Path | None = None


def read_settings(start: Path | None = None) -> Settings:
    """Reads `[tool.assay]` from the nearest pyproject.toml.

    Args:
        start: The folder to look in first, then upwards; the working directory if not given.

    Raises:
        LaunchError: The file can't be read, or holds a key or a value that we don't understand.
    """
    try:
        start = (start or Path()).absolute()
    except OSError:
        raise LaunchError("the working directory no longer exists") from None
    for folder in (start, *start.parents):
        source = folder / "pyproject.toml"
        if source.is_file():
            return _parse(source)
    return Settings()


def _parse(source: Path) -> Settings:
    try:
        document = tomllib.loads(source.read_text(encoding="utf-8"))
    except OSError as error:
        raise LaunchError(f"{source}: can't be read: {error.strerror}") from None
    except ValueError as error:  # not TOML, or not UTF-8
        reason = " ".join(str(error).split())
        raise LaunchError(f"{source}: not valid TOML: {reason}") from None
    tool = document.get("tool", {})
    table = tool.get("assay", {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        raise LaunchError(f"{source}: [tool.assay] must be a table, received {table!r}")
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in _KEYS:
            known = ", ".join(sorted(_KEYS))
            raise LaunchError(f"{source}: [tool.assay] has no key {key!r}; it knows {known}")
        expected, accepts = _KEYS[key]
        if not accepts(value):
            raise LaunchError(
                f"{source}: [tool.assay] {key} must be {expected}, received {value!r}"
            )
        values[key.replace("-", "_")] = tuple(value) if isinstance(value, list) else value
    if "run_dir" in values:
        values["run_dir"] = source.parent / Path(values["run_dir"]).expanduser()
    if "checks" in values:
        files = values["checks"]
        values["checks"] = tuple(source.parent / Path(file).expanduser() for file in files)
    return Settings(**values, source=source)


def _is_number(value: object) -> bool:
    # To Python, true is a number; to the writer of a settings file it is not.
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _is_limits(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(limits, dict) and all(_is_number(number) for number in limits.values())
        for limits in value.values()
    )


_NAMES = ("a list of check names", _is_names)
_KEYS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "ignore": _NAMES,
    "only": _NAMES,
    "fail-on": ('"error" or "warning"', lambda v: v in ("error", "warning")),
    "steps": ("a whole number from 1", lambda v: type(v) is int and v >= 1),
    "seconds": ("a number above 0", lambda v: _is_number(v) and v > 0),
    "quiet": ("true or false", lambda v: isinstance(v, bool)),
    "run-dir": ("the path of a folder", lambda v: isinstance(v, str) and v != ""),
    "budget": ("a number above 0, at most 1", lambda v: _is_number(v) and 0 < v <= 1),
    "checks": ("a list of paths of Python files, or of folders of them", _is_names),
    "limits": ("a table of numbers for each check: limits.CHECK.LIMIT = 0.5", _is_limits),
}
