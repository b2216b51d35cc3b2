"""Replacing an attribute of torch and putting it back."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

MISSING = object()


class Patches:
    """A stack of replaced attributes; `undo` restores each as it was found."""

    def __init__(self) -> None:
        self._done: list[tuple[Any, str, Any, Any]] = []
        self._undoers: list[Callable[[], None]] = []

    def __bool__(self) -> bool:
        return bool(self._done)

    def wrap(self, owner: Any, name: str, make: Callable[[Callable[..., Any]], Any]) -> None:
        """Replaces `owner.name` by `make(original)`, keeping its name, docs and signature.

        A class that only inherits `name` gets the wrapper and loses it again on undo.
        """
        original = getattr(owner, name)
        own = vars(owner).get(name, MISSING)
        replacement = functools.wraps(original)(make(original))
        setattr(owner, name, replacement)
        self._done.append((owner, name, own, replacement))

    def alias(self, owner: Any, name: str, original: Any, replacement: Any) -> None:
        """Replaces a second name of an already wrapped function, if it still is that function."""
        if getattr(owner, name, None) is original:
            setattr(owner, name, replacement)
            self._done.append((owner, name, original, replacement))

    def on_undo(self, action: Callable[[], None]) -> None:
        """Registers something else to be taken back, such as a torch hook handle."""
        self._undoers.append(action)

    def undo(self) -> None:
        """Restores everything; a name that someone replaced after us is left to them."""
        while self._undoers:
            self._undoers.pop()()
        for owner, name, own, replacement in reversed(self._done):
            self._put_back(owner, name, own, replacement)
        self._done.clear()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Torch as it was shipped, for code that reads the source of torch's functions."""
        lifted = [
            entry for entry in self._done if vars(entry[0]).get(entry[1], MISSING) is entry[3]
        ]
        for owner, name, own, replacement in reversed(lifted):
            self._put_back(owner, name, own, replacement)
        try:
            yield
        finally:
            for owner, name, _own, replacement in lifted:
                setattr(owner, name, replacement)

    @staticmethod
    def _put_back(owner: Any, name: str, own: Any, replacement: Any) -> None:
        if vars(owner).get(name, MISSING) is not replacement:
            return
        if own is MISSING:
            delattr(owner, name)
        else:
            setattr(owner, name, own)
