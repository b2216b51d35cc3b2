"""Probe: the boxes that an overlap on the way to a loss is computed of."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from ...seams.callsite import place_at
from ...watching.graph import PARTS, VIEWS, behind_views, operation, saved, walk
from ...watching.probe import Probe
from .graphs import Graphs


class Boxes(Probe):
    """Looks at overlaps: the difference of the lesser right end and the greater left one.

    Signal, by place `overlap (train.py:31)`: `boxes_reversed`, the share of the boxes on the side
    that needs no gradient whose second corner lies before the first. An event `overlap` names the
    line of each.
    """

    name = "boxes"
    always: ClassVar = ("checkpointing",)
    sampled: ClassVar = ("backward_begin",)

    def __init__(self, watch: Any) -> None:
        self._graphs: Graphs = watch.shared(Graphs)
        self._checkpointing = False
        super().__init__(watch)

    def on_checkpointing(self) -> None:
        """Reading a checkpointed graph would compute it again."""
        self._checkpointing = True

    def on_backward_begin(self, roots: Any, kept: bool) -> None:
        """Looks for overlaps next to the loss."""
        if self._checkpointing or not isinstance(roots, torch.Tensor) or roots.grad_fn is None:
            return
        found: dict[Any, list[torch.Tensor]] = {}
        for node, way in walk(roots.grad_fn):
            if operation(node) == "Sub" and (ends := _target_ends(node)) is not None:
                left, right = ends
                found.setdefault(self._graphs.line(node, way), []).append(right < left)
        for line, reversed_ in found.items():
            if line is None:
                continue
            place = place_at("overlap", line)
            self.watch.event_once("overlap", line, place=place, line=list(line))
            self.watch.put("boxes_reversed", place, _share(reversed_))


def _share(reversed_: list[torch.Tensor]) -> torch.Tensor:
    """Returns the share of boxes that are reversed along any axis, or of axes if those differ."""
    if len({one.shape for one in reversed_}) > 1:
        reversed_ = [one.float().mean().reshape(1) > 0 for one in reversed_]
    whole = torch.stack(reversed_).any(0)
    if whole.dim() > 1 and whole.shape[-1] == 2:
        whole = whole.any(-1)
    return whole.float().mean()


def _target_ends(node: Any) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Returns left and right ends of the side without a gradient; None for what is no overlap."""
    if len(node.next_functions) != 2:
        return None
    lesser, greater = (behind_views(child, (*VIEWS, *PARTS)) for child, _ in node.next_functions)
    if lesser is None or greater is None:
        return None
    if (operation(lesser), operation(greater)) != ("Minimum", "Maximum"):
        return None
    right, left = _without_gradient(lesser), _without_gradient(greater)
    if right is None or left is None or right.shape != left.shape or not right.numel():
        return None
    return left, right


def _without_gradient(node: Any) -> torch.Tensor | None:
    sides = [child for child, _ in node.next_functions]
    if len(sides) != 2 or (sides[0] is None) == (sides[1] is None):
        return None
    value = saved(node, "self" if sides[0] is None else "other")
    return value if isinstance(value, torch.Tensor) else None
