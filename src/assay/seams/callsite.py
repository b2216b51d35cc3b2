"""Whose line was it: the user's own file and line for something that happened inside torch."""

from __future__ import annotations

import os
import sys
import sysconfig
from itertools import islice
from types import CodeType
from typing import Any

OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
"""assay's own folder."""
_PATHS = sysconfig.get_paths()
_LIBRARY = tuple(
    {
        os.path.realpath(_PATHS[key]) + os.sep
        for key in ("stdlib", "platstdlib", "purelib", "platlib")
        if key in _PATHS
    }
    | {_PATHS[key] + os.sep for key in ("stdlib", "platstdlib") if key in _PATHS}
)
_CELLS = ("<ipython-input-", "<python-input-")  # IPython; the prompt of Python 3.13
_known: dict[str, bool] = {}


def is_user_file(filename: str) -> bool:
    """Whether code is not ours, torch's, an installed package's or the standard library's."""
    verdict = _known.get(filename)
    if verdict is None:
        verdict = not (
            filename.startswith(OURS)
            or filename.startswith(_LIBRARY)
            or (filename.startswith("<") and not filename.startswith(_CELLS))
            or f"{os.sep}site-packages{os.sep}" in filename
            or f"{os.sep}dist-packages{os.sep}" in filename
        )
        if len(_known) < 10_000:
            _known[filename] = verdict
    return verdict


def user_frame(depth: int = 1) -> Any:
    """Returns the innermost frame that is the user's; None when there is none.

    Args:
        depth: frames of ours to pass over before looking, counted from the caller.
    """
    try:
        frame: Any = sys._getframe(depth + 1)
    except ValueError:
        return None
    while frame is not None and not is_user_file(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def builder_frame(module: Any) -> Any:
    """Returns the user's innermost frame that is not this module's own constructor.

    Of `Net()` it is the line that called `Net`, of a layer inside `Net` the line in its `__init__`,
    of what torch's own containers build the line that built the container. None without one.
    """
    frame: Any = sys._getframe(1)
    own: list[Any] | None = None
    while frame is not None:
        code = frame.f_code
        if is_user_file(code.co_filename):
            if code.co_name != "__init__":
                return frame
            if own is None:
                made = (vars(kind).get("__init__") for kind in type(module).__mro__)
                own = [getattr(function, "__code__", None) for function in made]
            if not any(code is one for one in own):
                return frame
            # a module of the same class may be built inside: each constructor is its own but once
            own = [one for one in own if one is not code]
        frame = frame.f_back
    return None


def user_site(depth: int = 1) -> tuple[str, int, str] | None:
    """Returns file, line and function of that frame; None when there is none.

    Args:
        depth: as for `user_frame`.
    """
    frame = user_frame(depth + 1)
    return None if frame is None else site_of(frame)


def site_of(frame: Any) -> tuple[str, int, str]:
    """Returns file, line and function of a frame."""
    name = frame.f_code.co_filename  # `<ipython-input-3>` is no path, linecache knows it as it is
    at = name if name[:1] == "<" else os.path.abspath(name)
    return at, frame.f_lineno, frame.f_code.co_name


def place_at(name: str, site: tuple[str, int, str] | None) -> str:
    """Returns where something was called: `cross_entropy (train.py:31)`, or the name alone."""
    return f"{name} ({os.path.basename(site[0])}:{site[1]})" if site else name


def line_at(code: CodeType, instruction: int) -> tuple[str, int, str]:
    """Returns file, line and function of an instruction, as its frame would say them."""
    line = code.co_firstlineno
    for start, end, number in code.co_lines():
        if start <= instruction < end and number is not None:
            line = number
            break
    name = code.co_filename
    return name if name[:1] == "<" else os.path.abspath(name), line, code.co_name


def end_of_call(frame: Any) -> tuple[int, int] | None:
    """Returns line and column (in UTF-8 bytes) where the call that a frame makes ends.

    None before Python 3.11, which does not know it.
    """
    positions = getattr(frame.f_code, "co_positions", None)
    if positions is None:
        return None
    _, line, _, column = next(islice(positions(), frame.f_lasti // 2, None), (None,) * 4)
    return None if line is None or column is None else (line, column)
