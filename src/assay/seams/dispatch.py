"""A dispatch mode of our own: sees each operation of torch, and passes for none to the script."""

from __future__ import annotations

from threading import get_ident

import torch

from .recording import OURS


class DispatchMode:
    """Stands on torch's stack of dispatch modes in the thread that made it.

    A subclass has `__torch_dispatch__`. Modes that the script enters meanwhile keep their places.
    One that records begins with `start` and ends with `stop`, for good.
    """

    supports_higher_order_operators = True  # else torch would refuse the user's

    def __init__(self) -> None:
        self.thread = get_ident()
        self.active = False
        self._ended = False

    def start(self) -> None:
        """Begins to record in this thread."""
        if not self._ended:
            self.enter()

    def pause(self) -> None:
        """Stands aside while a listener of ours computes."""
        self.leave()

    def resume(self) -> None:
        """Goes on after a pause, unless there is nothing more to record."""
        if get_ident() == self.thread:
            self.start()

    def stop(self) -> None:
        """Ends the recording."""
        self.pause()
        self._ended = True

    @staticmethod
    def is_infra_mode() -> bool:
        """Says that this mode is none of torch's own."""
        return False

    def enter(self) -> None:
        """Begins to see operations; does nothing where it sees them already."""
        if not self.active:
            self.active = True
            OURS.append(self)
            torch._C._push_on_torch_dispatch_stack(self)  # type: ignore[arg-type]

    def leave(self) -> None:
        """Sees no more; does nothing in another thread, which has a stack of its own."""
        if not self.active or get_ident() != self.thread:
            return
        self.active = False
        above = []
        while torch._C._len_torch_dispatch_stack():
            top = torch._C._pop_torch_dispatch_stack(None)
            if top is self:
                break
            above.append(top)  # the user's, entered since
        for mode in reversed(above):
            torch._C._push_on_torch_dispatch_stack(mode)
        OURS.remove(self)
