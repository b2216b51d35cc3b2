"""A dispatch mode that watches every operation of torch in a few steps, forward and backward."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import Any

import torch

from ..seams.callsite import line_at, site_of, user_frame
from ..seams.dispatch import DispatchMode
from ..seams.interpreting import interpreted
from ..seams.patch import past_own_frames
from .births import Births
from .calls import Called, Place

_BELOW_USER = __file__, torch._ops.__file__
_MODULE_CALL = torch.nn.Module._call_impl.__code__
_numbers: Any = getattr(torch.autograd, "_get_sequence_nr", None)
_node: Any = getattr(torch._C, "_current_autograd_node", None)


class Tracer(DispatchMode):
    """Gives each operation and its place to `Births`.

    Autograd numbers its nodes as it makes them, and makes an operation's node right before it
    computes the operation: by that number the backward pass of an operation is brought back to the
    line and the module of its forward pass.

    Args:
        births: Follows the values.
        where: Returns the place of what is computed forward; found in Python's stack if not given.
    """

    def __init__(self, births: Births, where: Callable[[], Place] | None = None) -> None:
        super().__init__()
        self.births, self._where = births, where
        self.phase = "forward"
        self.asleep = False
        self.error: Exception | None = None
        self._forward: dict[int, tuple[Place, dict[str, Any]]] = {}
        self._pid = os.getpid()

    @interpreted
    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        call = getattr(function, "_op", function)
        called = None
        if not self.asleep and self.error is None and os.getpid() == self._pid:
            called = self._try(self._before, function, args, kwargs)
        try:
            result = call(*args, **kwargs)
        except BaseException as error:  # what the user reads has no frames of ours
            error.__traceback__ = past_own_frames(error.__traceback__, *_BELOW_USER)
            raise
        if called is not None:
            self._try(self.births.after, called, result)
        return result

    def _try(self, note: Callable[..., Any], *facts: Any) -> Any:
        try:
            return note(*facts)
        except Exception as error:
            self.error = error
            return None

    def _before(self, function: Any, args: Any, kwargs: Any) -> Called | None:
        node = _node() if _node is not None else None
        if node is not None:
            return self.births.before(function, args, kwargs, self._backward(node))
        if self._where is not None:
            place = self._where()
        else:
            place = Place(_user_line(), _module(), self.phase)
        called = self.births.before(function, args, kwargs, place)
        if called is not None and _numbers is not None and torch.is_grad_enabled():
            number = _numbers() - 1
            if number not in self._forward:
                self._forward[number] = place, self.births.noted(called)
        return called

    def _backward(self, node: Any) -> Place:
        """Returns the place of what a node computes: that of its forward pass."""
        name = str(node.name())
        if hasattr(node, "_forward_cls"):  # a torch.autograd.Function: its backward is code
            frame = user_frame()
            if frame is not None and frame.f_code.co_name == "backward":
                return Place(site_of(frame), None, "backward", name)
        place, noted = self._forward.get(node._sequence_nr(), (Place(), None))
        return Place(place.line, place.module, "backward", name, noted)

    def forget_nodes(self) -> None:
        """Drops what is known of forward operations: their step is over."""
        self._forward.clear()


def _user_line() -> tuple[str, int, str] | None:
    frame = user_frame(2)
    return None if frame is None else line_at(frame.f_code, frame.f_lasti)


def _module() -> Any:
    """Returns, weakly, the innermost module that is being called."""
    import sys

    frame: Any = sys._getframe(2)
    while frame is not None:
        if frame.f_code is _MODULE_CALL:
            module = frame.f_locals.get("self")
            return None if module is None else weakref.ref(module)
        frame = frame.f_back
    return None
