"""Standing in for a function of torch without replacing it, and stepping aside again."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CellType, CodeType, FunctionType, TracebackType
from typing import Any

from .interpreting import interpreted

Make = Callable[[Callable[..., Any]], Callable[..., Any]]

MISSING = object()
LAYERINGS_AT_MOST = 16
"""Sets of layers of one function that are kept made."""
INTERNAL = "<assay, as importlib._bootstrap>"
"""File name of the frames that stand between the user and torch. `warnings.warn` passes over frames
so named, so that torch's warnings are attributed to, and filtered by, the user's own line."""


@functools.cache
def _trampoline(name: str, free: tuple[str, ...]) -> CodeType:
    """Returns code that passes a call on to the keyword default `_assay`, with these free names.

    An error leaves it without a trace of us: a bare `raise` does not enter its own frame again, so
    the user reads, catches and logs what plain Python gives.
    """
    scope: dict[str, Any] = {}
    source = (
        f"def make({', '.join(free)}):\n"
        "    def trampoline(*args, _assay=None, **kwargs):\n"
        "        try:\n"
        "            return _assay(*args, **kwargs)\n"
        "        except BaseException as error:\n"
        "            trace = error.__traceback__\n"
        "            while trace is not None and (\n"
        f"                trace.tb_frame.f_code.co_filename == {INTERNAL!r}\n"
        "            ):\n"
        "                trace = trace.tb_next\n"
        "            error.__traceback__ = trace\n"
        "            raise\n"
        f"        {', '.join(free) or 'None'}\n"
        "    return trampoline"
    )
    exec(compile(source, INTERNAL, "exec"), scope)
    code: CodeType = scope["make"](*free).__code__
    code = code.replace(co_name=name)
    cells = tuple(CellType() for _ in free)
    interpreted(FunctionType(code, {}, closure=cells))
    return code


def _internal(function: Callable[..., Any]) -> Callable[..., Any]:
    if isinstance(function, FunctionType):
        function.__code__ = function.__code__.replace(co_filename=INTERNAL)
        interpreted(function)
    return function


def past_own_frames(trace: TracebackType | None, *files: str) -> TracebackType | None:
    """Returns a traceback without the outermost frames that lie in these files.

    For a function of ours that calls code of the user's: it catches the error, sets its traceback
    to this, and raises it again by a bare `raise`.
    """
    while trace is not None and trace.tb_frame.f_code.co_filename in files:
        trace = trace.tb_next
    return trace


def _passing(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Returns a function that passes every call on to this one, and takes us out of its errors."""
    passing = FunctionType(_trampoline(name, ()), {"__builtins__": __builtins__}, name)
    passing.__kwdefaults__ = {"_assay": _internal(function)}
    return passing


class _Held:
    """A Python function whose code is ours for the time being.

    The function object stays the same one: whoever imported it by name, compares it with `is`,
    pickles it or holds it as a default argument notices nothing, and calls that go through such
    early references are seen as well.
    """

    known: dict[FunctionType, _Held]

    def __init__(self, function: FunctionType) -> None:
        self.function = function
        self.layers: list[tuple[Patches, Make]] = []
        self._made: dict[tuple[Make, ...], Callable[..., Any]] = {}
        self._code, self._kwdefaults = function.__code__, function.__kwdefaults__
        self._wrapped = "__wrapped__" in vars(function)
        self.original = FunctionType(
            function.__code__,
            function.__globals__,
            function.__name__,
            function.__defaults__,
            function.__closure__,
        )
        self.original.__kwdefaults__ = function.__kwdefaults__
        self.original.__qualname__ = function.__qualname__
        self.original.__module__ = function.__module__
        self.original.__doc__ = function.__doc__
        self.original.__annotations__ = function.__annotations__
        self.original.__dict__.update(vars(function))

    @classmethod
    def of(cls, function: FunctionType) -> _Held:
        """Returns what holds this function, or held it before and fits it still."""
        held = cls.known.get(function)
        if held is None or not (held.layers or held._is_plain()):
            held = cls.known[function] = cls(function)
        return held

    def _is_plain(self) -> bool:
        function = self.function
        return (
            function.__code__ is self._code
            and function.__kwdefaults__ is self._kwdefaults
            and function.__defaults__ is self.original.__defaults__
        )

    def _is_torchs(self) -> bool:
        return (self.function.__module__ or "").partition(".")[0] == "torch"

    def apply(self) -> None:
        """Makes the function what its layers say: plain without any."""
        function = self.function
        if not self.layers:
            self.suspend()
            if not self._is_torchs():  # it may be meant to be freed, with all that it holds
                _Held.known.pop(function, None)
            return
        inner = self._inner()
        # Another thread may call the function between the next two lines, with the old code and the
        # new defaults: so the old ones stay among them. Code takes no notice of defaults that it
        # has no parameter for, and going back (`suspend`, or no layers) the code is first.
        function.__kwdefaults__ = {**(self._kwdefaults or {}), "_assay": inner}
        trampoline = _trampoline(self._code.co_name, self._code.co_freevars)
        if function.__code__ is not trampoline:
            function.__code__ = trampoline
        if not self._wrapped:
            function.__wrapped__ = self.original  # type: ignore[attr-defined]  # signature, source

    def _inner(self) -> Callable[..., Any]:
        """Returns what calls go to; the same for the same layers, since samples come and go."""
        makes = tuple(make for _, make in self.layers)
        if makes not in self._made:
            inner: Callable[..., Any] = self.original
            for make in makes:
                inner = _internal(make(inner))
            if len(self._made) >= LAYERINGS_AT_MOST:
                self._made.clear()
            self._made[makes] = inner
        return self._made[makes]

    def suspend(self) -> None:
        """Makes the function plain for a moment; `apply` ends it."""
        self.function.__code__ = self._code
        self.function.__kwdefaults__ = self._kwdefaults
        if not self._wrapped:
            vars(self.function).pop("__wrapped__", None)


_Held.known = {}


class Patches:
    """A stack of functions stood in for; `undo` leaves each as it was found.

    Python functions keep their identity and lend us their code. What is no Python function (a
    builtin, a bound method) or is only inherited is replaced by attribute.
    """

    _all: weakref.WeakSet[Patches]

    def __init__(self) -> None:
        Patches._all.add(self)
        self._held: list[_Held] = []
        self._done: list[tuple[Any, str, Any, Any]] = []
        self._made: dict[tuple[Any, str], tuple[Any, Make, Any]] = {}  # for the next time
        self._undoers: list[Callable[[], None]] = []

    def __bool__(self) -> bool:
        return bool(self._done or self._held)

    def wrap(self, owner: Any, name: str, make: Make) -> None:
        """Has calls of `owner.name` go to `make(original)`; name, docs and signature stay.

        A class that only inherits `name` gets the wrapper and loses it again on undo. `make` may be
        called again when another layer comes or goes.
        """
        original = getattr(owner, name)
        own = vars(owner).get(name, MISSING)
        if isinstance(original, FunctionType) and own is original:
            held = _Held.of(original)
            held.layers.append((self, make))
            self._held.append(held)
            held.apply()
            return
        made = self._made.get((owner, name))
        if made is None or made[0] is not original or made[1] is not make:
            replacement = functools.wraps(original)(_passing(make(original), name))
            made = self._made[owner, name] = original, make, replacement
        replacement = made[2]
        setattr(owner, name, replacement)
        self._done.append((owner, name, own, replacement))

    def on_undo(self, action: Callable[[], None]) -> None:
        """Registers something else to be taken back, such as a torch hook handle."""
        self._undoers.append(action)

    def undo(self) -> None:
        """Restores everything; an attribute that someone replaced after us is left to them."""
        while self._undoers:
            self._undoers.pop()()
        for held in self._held:
            held.layers = [layer for layer in held.layers if layer[0] is not self]
            held.apply()
        self._held.clear()
        for owner, name, own, replacement in reversed(self._done):
            self._put_back(owner, name, own, replacement)
        self._done.clear()

    @staticmethod
    @contextmanager
    def paused() -> Iterator[None]:
        """Shows torch as it was shipped, to code that reads the source of torch's functions."""
        lifted = [
            entry
            for patches in list(Patches._all)
            for entry in patches._done
            if vars(entry[0]).get(entry[1], MISSING) is entry[3]
        ]
        held = [one for one in _Held.known.values() if one.layers]
        for one in held:
            one.suspend()
        for owner, name, own, replacement in reversed(lifted):
            Patches._put_back(owner, name, own, replacement)
        try:
            yield
        finally:
            for one in held:
                one.apply()
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


Patches._all = weakref.WeakSet()
