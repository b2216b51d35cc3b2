"""Turns what stands after assay's own options into the argv of the child."""

from __future__ import annotations

import importlib.util
import os
import shutil
import stat
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import LaunchError

FORMS = "SCRIPT [ARGS...], -m MODULE [ARGS...] or -- COMMAND [ARGS...]"


@dataclass(frozen=True)
class Command:
    """What to start.

    Attributes:
        argv: The child's whole argument vector.
        label: A short name for people: the script, module or command.
        python: The interpreter chosen; None where the user named a command of their own.
    """

    argv: list[str]
    label: str
    python: str | None


def resolve(words: Sequence[str], python: str | None = None) -> Command:
    """Understands one of the three forms, and checks what can be checked before starting it.

    Args:
        words: `script.py args...`, `-m module args...` or `-- any command ...`.
        python: The interpreter to use for the first two forms; see `find_python` for the default.

    Raises:
        LaunchError: Nothing that can be started was named.
    """
    if not words:
        raise LaunchError(f"nothing to run: give {FORMS}")
    first, *rest = words
    if first == "--":
        return _any_command(rest)
    if first == "-m":
        if not rest or not rest[0] or rest[0].startswith("-"):
            received = f", received {rest[0]!r}" if rest else ""
            raise LaunchError(f"-m needs the name of a module{received}")
        interpreter = find_python(python)
        return Command([interpreter, *words], rest[0].removesuffix(".__main__"), interpreter)
    if first.startswith("-") or not first:
        raise LaunchError(f"expected {FORMS}, received {first!r}")
    _refuse_non_python(first)
    interpreter = find_python(python)
    return Command([interpreter, *words], _stem(first), interpreter)


def find_python(python: str | None = None) -> str:
    """Returns the interpreter for the user's script.

    Args:
        python: A path or a name on `PATH`. By default assay's own interpreter if it has torch,
            else the `python3` or `python` that the user's shell would start.

    Raises:
        LaunchError: The interpreter asked for isn't there.
    """
    if python is not None:
        if (found := shutil.which(python)) is None:
            raise LaunchError(f"--python: no interpreter at {python!r}")
        return found
    if importlib.util.find_spec("torch") is not None:
        return sys.executable
    return shutil.which("python3") or shutil.which("python") or sys.executable


def _any_command(words: list[str]) -> Command:
    if not words or not words[0]:
        raise LaunchError("-- needs a command to run")
    name = words[0]
    if shutil.which(name) is None:
        if _exists_somewhere(name):
            raise LaunchError(f"{name}: not executable", status=126)
        raise LaunchError(f"{name}: command not found", status=127)
    script = next((word for word in words if word.endswith(".py")), name)
    return Command(list(words), _stem(script), None)


def _exists_somewhere(name: str) -> bool:
    if os.path.dirname(name):
        return os.path.exists(name)
    folders = os.get_exec_path()
    return any(os.path.isfile(os.path.join(folder, name)) for folder in folders)


def _refuse_non_python(script: str) -> None:
    try:
        mode = os.stat(script).st_mode
        if stat.S_ISDIR(mode):
            if not os.path.isfile(os.path.join(script, "__main__.py")):
                raise LaunchError(f"{script}: a directory without __main__.py")
            return
        if not stat.S_ISREG(mode):  # a pipe, as in `assay check <(generate)`: reading would eat it
            return
        if script.endswith(".ipynb"):
            raise LaunchError(f"{script}: a notebook; call assay.start() in its first cell instead")
        with open(script, "rb") as file:
            head = file.read(4096)
    except FileNotFoundError:
        raise LaunchError(f"{script}: no such file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise LaunchError(f"{script}: can't be read: {reason}") from None
    if head.startswith(b"#!") and b"python" not in (shebang := head.splitlines()[0]):
        interpreter = shebang[2:].decode(errors="replace").strip()
        raise LaunchError(f"{script}: written for {interpreter}, not Python; try -- {script}")
    if b"\0" in head and not _is_compiled(script, head):
        raise LaunchError(f"{script}: not a Python file (binary data)")


def _is_compiled(script: str, head: bytes) -> bool:
    """Whether Python runs this binary file: bytecode of any version, or a zip with a main."""
    if script.endswith(".pyc") and head[2:4] == b"\r\n":
        return True
    if not zipfile.is_zipfile(script):
        return False
    with zipfile.ZipFile(script) as archive:
        return "__main__.py" in archive.namelist()


def _stem(script: str) -> str:
    path = Path(script)
    return path.stem or path.absolute().name
