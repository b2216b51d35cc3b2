"""Seam: files that this process changes. A copy of each is kept before its first change.

Only where a run asks for it: a sweep of rates leaves weights that nobody wants to keep, and must
not leave them where good ones lay. Python tells of every file that it opens for writing, renames or
removes by an audit event; `torch.save` and `safetensors` write past Python and are wrapped.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from typing import Any

from .interpreting import interpreted
from .late import when_loaded
from .patch import Patches

BYTES_AT_MOST = 2**30
"""A larger file, such as a data set that is mapped into memory, is not copied."""
FILES_AT_MOST = 1000
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Keeper:
    """Copies files into `<run folder>/kept`, and lists them in `kept/files-<pid>.jsonl`.

    A line has `path` and `copy`; `copy` is null where the file was not there before, or `large`.
    """

    def __init__(self, folder: str) -> None:
        self._own = os.path.abspath(folder)
        self._folder = os.path.join(self._own, "kept")
        self._seen: set[str] = set()
        os.makedirs(self._folder, exist_ok=True)

    def before_change(self, path: Any) -> None:
        """Keeps a file as it is, if it is one, and the first time only."""
        if not isinstance(path, (str, bytes, os.PathLike)):
            return
        with contextlib.suppress(Exception):  # the script must not notice us
            real = os.path.abspath(os.fsdecode(path))
            if real in self._seen or real.startswith(self._own + os.sep):
                return
            if len(self._seen) >= FILES_AT_MOST or real.startswith(("/dev/", "/proc/")):
                return
            self._seen.add(real)
            if not os.path.lexists(real):
                self._note(path=real, copy=None)
            elif os.path.isfile(real) and not os.path.islink(real):
                before = os.stat(real)
                if before.st_size > BYTES_AT_MOST:
                    self._note(path=real, copy=None, large=before.st_mtime_ns)
                    return
                copy = os.path.join(self._folder, f"{os.getpid()}-{len(self._seen)}")
                shutil.copy2(real, copy)
                self._note(path=real, copy=copy)

    def _note(self, **line: Any) -> None:
        name = os.path.join(self._folder, f"files-{os.getpid()}.jsonl")
        with open(name, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def heard(self, event: str, args: tuple[Any, ...]) -> None:
        """Hears one audit event of Python."""
        if event == "open":
            if len(args) == 3 and isinstance(args[2], int) and args[2] & _WRITES:
                self.before_change(args[0])
        elif event == "os.rename":
            for path in args[:2]:
                self.before_change(path)
        elif event == "os.remove":
            if args[1] == -1:
                self.before_change(args[0])
        elif event == "os.truncate":
            self.before_change(args[0])
        elif event == "shutil.rmtree":
            with contextlib.suppress(Exception):
                for folder, _, names in os.walk(args[0]):
                    for name in names:
                        self.before_change(os.path.join(folder, name))


def keep(folder: str, patches: Patches) -> None:
    """Keeps what this process changes from now on; an audit hook stays until the process ends.

    Args:
        folder: The run folder.
        patches: Undo what is wrapped.
    """
    import torch

    keeper = Keeper(folder)

    def saving(position: int, keyword: str) -> Any:
        def make(original: Any) -> Any:
            def save(*args: Any, **kwargs: Any) -> Any:
                given = args[position] if len(args) > position else kwargs.get(keyword)
                keeper.before_change(given)
                return original(*args, **kwargs)

            return save

        return make

    patches.wrap(torch, "save", saving(1, "f"))
    when_loaded(
        "safetensors.torch",
        lambda module: patches.wrap(module, "save_file", saving(1, "filename")),
        patches,
    )

    def hook(event: str, args: tuple[Any, ...]) -> None:
        keeper.heard(event, args)

    sys.addaudithook(interpreted(hook))
