"""When a run that was given so many seconds stops: all of its ranks at the same step."""

from __future__ import annotations

import os
from contextlib import suppress

import torch

NAME = "stop-at"


def stops_now(folder: str, step: int, *, over: bool) -> bool:
    """Says whether a process stops after this step.

    Ranks do not look at the clock at the same moment, and one that stops alone leaves the others
    waiting. So the first whose time is over writes down the next step as the last one. The others
    find it in time: none of them can end that step before the first rank has begun it. Nothing is
    sent; ranks that do not share the folder stop each by their own clock.

    Args:
        folder: The run's.
        step: How many steps this training has taken.
        over: Whether its seconds are over.
    """
    if is_alone():
        return over
    path = os.path.join(folder, NAME)
    if over and not os.path.exists(path):
        with suppress(OSError):  # another rank was faster, or the disk is full
            _write(path, str(step + 1))
    try:
        with open(path, encoding="ascii") as file:
            return step >= int(file.read())
    except (OSError, ValueError):
        return over


def _write(path: str, text: str) -> None:
    """Writes a new file that others see whole or not at all."""
    draft = f"{path}.{os.getpid()}"
    with open(draft, "w", encoding="ascii") as file:
        file.write(text)
    try:
        os.link(draft, path)
    finally:
        os.unlink(draft)


def is_alone() -> bool:
    """Whether no other process trains with this one."""
    distributed = torch.distributed
    running = distributed.is_available() and distributed.is_initialized()
    return not running or distributed.get_world_size() == 1
