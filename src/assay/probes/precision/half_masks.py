"""Probe: constants beyond what float16 holds, on their way into float16, and what softmax made."""

from __future__ import annotations

import math
from typing import Any

import torch

from ...replay.replays import Replays
from ...seams.callsite import place_at, site_of, user_frame
from ...watching.probe import Probe

LARGEST = 65504.0
"""IEEE 754-2008: the largest number of binary16."""
PLACES_AT_MOST = 16
_CAST = ("_to_copy", "copy_")
_CHOOSE = {"where": (1, 2), "index_put": (2,), "index_put_": (2,)}
"""Which arguments are numbers that may be written into the result."""
_ARITHMETIC = ("mul", "add", "sub", "rsub", "div")
_WORDS = {"_to_copy": "to", "copy_": "copy_", "lift_fresh": "tensor", "scalar_tensor": "number"}
"""How users write what torch calls otherwise inside."""
_SOFTMAX = ("_softmax", "_log_softmax")
_INFINITE = frozenset(("inf", "-inf", "infinity", "-infinity"))


class HalfMasks(Probe):
    """Notes finite constants that are infinite in float16, such as a mask of -1e9.

    Signals, by the line: `half_lost_share`, the share of a constant's numbers that became infinite;
    from then on, by the line of each softmax, `softmax_undefined_share`, the share of its rows that
    were NaN throughout. An event `half_mask` names the line.
    """

    name = "half_masks"

    def __init__(self, watch: Any) -> None:
        self._replays: Replays = watch.shared(Replays)
        self._replays.heard.append(self._on_operation)
        self._places: set[str] = set()
        super().__init__(watch)

    def _on_operation(self, function: Any, args: Any, result: Any) -> None:
        """Looks at one operation of torch."""
        if not isinstance(result, torch.Tensor):
            return
        name = function._schema.name.rpartition(":")[2]
        if name in _SOFTMAX:
            if self._places:
                dead = result.isnan().all(args[1]).float().mean()
                self.watch.put("softmax_undefined_share", place_at(name.strip("_"), _site()), dead)
        elif result.dtype is torch.float16:
            lost = _lost(name, args, result)
            if lost is not None:
                self._put(_WORDS.get(name, name.strip("_")), lost)

    def _put(self, name: str, share: torch.Tensor | float) -> None:
        site = _site()
        place = place_at(name, site)
        if place not in self._places:
            if len(self._places) >= PLACES_AT_MOST:
                return
            self._places.add(place)
            line = None if site is None else list(site)
            self.watch.event_once("half_mask", place, place=place, line=line)
        self.watch.put("half_lost_share", place, share)


def _site() -> tuple[str, int, str] | None:
    """Returns the user's line that computes."""
    frame = user_frame()
    return None if frame is None else site_of(frame)


def _lost(name: str, args: Any, result: torch.Tensor) -> torch.Tensor | float | None:
    """Returns the share of constants that float16 does not hold; None for what is no constant."""
    if name == "scalar_tensor":
        return 1.0 if _beyond(args[0]) else None
    if name == "lift_fresh":
        return 1.0 if _was_written_beyond(args[0]) else None
    if name in _ARITHMETIC:
        if not any(_beyond(value) for value in args[:2]) or result.requires_grad:
            return None
        if any(isinstance(value, torch.Tensor) and value.requires_grad for value in args):
            return None
        return result.isinf().float().mean()
    if name in _CAST:
        return _share_beyond(args[-1] if name == "copy_" else args[0])
    for position in _CHOOSE.get(name, ()):
        share = _share_beyond(args[position])
        if share is not None:
            return share
    return None


def _share_beyond(value: Any) -> torch.Tensor | None:
    """Returns the share of finite numbers of a wider constant that are infinite in float16."""
    if not isinstance(value, torch.Tensor) or value.requires_grad or not value.numel():
        return None
    if not value.is_floating_point() or value.dtype is torch.float16:
        return None
    return ((value.abs() > LARGEST) & value.isfinite()).float().mean()


def _beyond(value: Any) -> bool:
    """Whether a number that the host knows is finite, and infinite in float16."""
    if isinstance(value, torch.Tensor):
        if value.dim() or not value.is_cpu or value.requires_grad:
            return False
        value = value.item()
    return isinstance(value, (int, float)) and LARGEST < abs(value) < math.inf


def _was_written_beyond(value: Any) -> bool:
    """Whether a new infinite number of float16 comes of a line's function with a finite one.

    What `torch.tensor(-1e9, dtype=torch.half)` was given is not seen; what its function says is.
    """
    if not isinstance(value, torch.Tensor) or value.dim() or not value.is_cpu:
        return False
    frame = user_frame()
    if frame is None or not math.isinf(value.item()):
        return False
    code = frame.f_code
    words = {str(c).lower() for c in code.co_consts if isinstance(c, str)} | set(code.co_names)
    if words & _INFINITE:
        return False
    named = (frame.f_globals.get(name) for name in code.co_names)
    return any(_beyond(c) for c in (*code.co_consts, *named) if type(c) in (int, float))
