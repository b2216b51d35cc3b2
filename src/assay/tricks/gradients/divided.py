"""Losses divided before their backward pass, as a person divides them by the number of batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...seams.hub import Hub


def divided(roots: Any, parts: float, hub: Hub) -> Any:
    """Divides what backward() is called on; those who note losses hear what each was."""
    import torch

    if not isinstance(roots, torch.Tensor):  # several, in whatever torch takes
        return tuple(divided(root, parts, hub) for root in roots)
    part = roots / parts
    if hub.listeners["divided"]:
        hub.emit("divided", roots, part)
    return part
