"""Probe: where a process that trains with others stands, when it takes no step for long."""

from __future__ import annotations

import _thread
import json
import os
import sys
import time
from time import monotonic
from typing import Any, ClassVar

import torch

from ...seams.callsite import is_user_file, site_of
from ...watching.probe import Probe

LOOK_S = 0.5
"""How often is looked whether the training gets ahead."""
STILL_S = 5.0
"""Seconds without a step after which the stack is written down, for the first time."""
GAPS = 3.0
"""And so many times the longest pause that a step has ended: an evaluation, a checkpoint."""
SETTLED_S = 2.0
"""A stack that has just changed is looked at so much later: the process may be about to end."""
IDLE = 0.1
"""A process that takes less of one core than this is not at work."""
FRAMES_AT_MOST = 8
_BETWEEN_RANKS = (
    f"{os.sep}torch{os.sep}distributed{os.sep}",
    f"{os.sep}torch{os.sep}nn{os.sep}parallel{os.sep}distributed.py",
)


class Standstill(Probe):
    """Event `joined`; and the file `standing-<pid>.json`, while no step is taken for long.

    The thread that trains is waiting then, so a thread of ours looks at its stack: twice a second,
    from when the process joins its group. It is none of `threading`'s, is asked nothing and asks
    nothing of any other rank.
    """

    name = "standstill"
    always: ClassVar = ("group_begin", "process_group")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._pid = 0
        self._error: Exception | None = None

    def on_group_begin(self, rank: int | None, world: int | None) -> None:
        """Begins to look, in the process that joins and at the thread that does."""
        self._rank = _number(rank, "RANK")
        self._world = _number(world, "WORLD_SIZE")
        if self._pid == os.getpid() or self._world == 1:
            return
        self._pid, self._trains = os.getpid(), _thread.get_ident()
        self._path = os.path.join(self.watch.folder, f"standing-{self._pid}.json")
        self._mark, self._since = self._at(), monotonic()
        self._longest, self._written = 0.0, False
        self._same: tuple[Any, float, float] | None = None
        self._due, self._later = STILL_S, False
        self._end = _thread.allocate_lock()
        self._end.acquire()
        _thread.start_new_thread(self._look_until_end, ())

    def on_process_group(self, rank: int, world: int, backend: Any) -> None:
        """Notes what the group has said; alone there is nobody to wait for."""
        self._rank, self._world = rank, world
        if world < 2:
            self._stop()
            return
        self.watch.event("joined", world=world, backend=str(backend))

    def finish(self) -> None:
        """Looks no more; the file stays if nothing has moved since."""
        if self._pid != os.getpid():
            return
        if self._written and self._at() != self._mark:
            os.unlink(self._path)
        self._stop()
        if self._error is not None:
            raise self._error

    def _stop(self) -> None:
        if self._pid == os.getpid():
            self._pid = 0
            self._end.release()

    def _at(self) -> tuple[int, int]:
        """Returns what a step, or a backward pass, changes."""
        return self.watch.iteration, sum(t.step for t in tuple(self.watch.trainings))

    def _look_until_end(self) -> None:
        try:
            while not self._end.acquire(timeout=LOOK_S):
                self._look(monotonic())
        except Exception as error:  # told by the thread that trains, which alone may write
            self._error = error

    def _look(self, now: float) -> None:
        mark, still = self._at(), now - self._since
        if mark != self._mark:
            if self._mark[1]:  # before the first step much is built that takes its time once
                self._longest = max(self._longest, still)
            self._mark, self._since, self._same = mark, now, None
            self._due, self._later = max(STILL_S, GAPS * self._longest), False
            if self._written:
                self._written = False
                os.unlink(self._path)
            return
        stack, call, kind = _stack(sys._current_frames().get(self._trains))
        if self._same is None or self._same[0] != (stack, call):
            self._same = (stack, call), now, time.process_time()
        same = now - self._same[1]
        if still < self._due:
            return
        if same < SETTLED_S and not self._later:
            self._later = True
            self._due = still + SETTLED_S
            return
        self._later, self._due = False, 2 * still
        self._write(still, same, stack, call, kind)

    def _write(self, still: float, same: float, stack: Any, call: str, kind: str) -> None:
        assert self._same is not None
        busy = (time.process_time() - self._same[2]) / same if same else 1.0
        fixed = same >= still / 2 and (busy < IDLE or torch.cuda._initialized)
        line = {
            "pid": self._pid,
            "rank": self._rank,
            "world": self._world,
            "step": self._mark[1],
            "still_s": round(still, 1),
            "stack": stack,
            "call": call,
            "kind": kind,
            "fixed": fixed,
        }
        with open(f"{self._path}.tmp", "w", encoding="utf-8") as file:
            json.dump(line, file)
        os.replace(f"{self._path}.tmp", self._path)
        self._written = True


def _number(given: int | None, variable: str) -> int | None:
    if given is not None and given >= 0:
        return int(given)
    said = os.environ.get(variable, "")
    return int(said) if said.isdecimal() else None


def _stack(frame: Any) -> tuple[list[tuple[str, int, str]], str, str]:
    """Returns the user's lines, the innermost first, and what that line has called.

    The kind is `collective` for a call that goes to other ranks, `backward` for a backward pass,
    which may wait for them too, and else "".
    """
    lines: list[tuple[str, int, str]] = []
    call = kind = ""
    while frame is not None and len(lines) < FRAMES_AT_MOST:
        code = frame.f_code
        if is_user_file(code.co_filename):
            lines.append(site_of(frame))
        elif not lines and not code.co_filename.startswith("<"):
            if code.co_name not in ("wrapper", "decorate_context", "_call_impl"):
                name = getattr(code, "co_qualname", code.co_name)
                call = name.removesuffix(".__init__").rpartition(".")[2]
            if any(part in code.co_filename for part in _BETWEEN_RANKS):
                kind = "collective"
            elif not kind and code.co_name == "backward":
                kind = "backward"
        frame = frame.f_back
    return lines, call, kind
