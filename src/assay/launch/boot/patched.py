"""Runs the user's script with other text in some of its files, which stay as they are on disk.

`patched.json` in the run folder maps real paths to copies with the text that counts. Modules get it
where Python loads them; the script itself is run by this file (`python patched.py train.py ...`),
since nothing can be put between Python and the file that it is told to run. All else is as plain
Python has it: `sys.argv`, `sys.path`, `__file__` and the names in tracebacks.
"""

import json
import linecache
import os
import sys
from importlib.machinery import SourceFileLoader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any


def texts(run: str) -> "dict[str, str]":
    """Copies by the real path of what they stand for; empty where nothing is patched."""
    try:
        with open(os.path.join(run, "patched.json"), encoding="utf-8") as file:
            found: dict[str, str] = json.load(file)
    except (OSError, ValueError):
        return {}
    return found


def compiled(path: str, copy: str) -> "CodeType":
    """Returns the code of a copy, under the name of what it stands for."""
    with open(copy, "rb") as file:
        raw = file.read()
    code = compile(raw, path, "exec", dont_inherit=True)
    # whoever asks for the source of a function must not get the lines of the file on disk
    import io
    import tokenize

    encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
    lines = io.TextIOWrapper(io.BytesIO(raw), encoding).read().splitlines(True)
    linecache.cache[path] = (len(raw), None, lines, path)
    return code


def install(run: str) -> None:
    """Has Python load modules with the text that counts."""
    copies = texts(run)
    if not copies:
        return
    original = SourceFileLoader.get_code

    def get_code(self: "Any", name: str) -> "Any":
        path = os.path.realpath(self.path)
        if path in copies:
            return compiled(self.path, copies[path])
        return original(self, name)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign, assignment]


def main() -> None:
    """Takes the place of `python script.py args...`."""
    script = sys.argv[1]
    del sys.argv[0]
    sys.path[0] = os.path.dirname(os.path.realpath(script))
    path = os.path.abspath(script)
    copy = texts(os.environ["ASSAY_RUN"]).get(os.path.realpath(script))
    code = compiled(path, path if copy is None else copy)
    own = vars(sys.modules["__main__"])  # which are this file's: all that is needed is made first
    fresh: dict[str, object] = {
        "__name__": "__main__",
        "__file__": path,
        "__builtins__": __builtins__,
        "__doc__": None,
        "__package__": None,
        "__spec__": None,
        "__cached__": None,
        "__loader__": SourceFileLoader("__main__", path),
    }
    own.clear()
    own.update(fresh)
    exec(code, own)


if __name__ == "__main__":
    main()
