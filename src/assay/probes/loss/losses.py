"""Probe: each call of a loss function: which, on what, and whether that is what it wants."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from ...seams.arguments import bind
from ...seams.callsite import place_at, user_site
from ...watching.graph import VIEWS, behind_views, operation
from ...watching.measures import moments
from ...watching.probe import Probe

CLASSES_AT_MOST = 1000
COUNTED_AT_MOST = 64
"""Classes up to which the entropy of a batch's labels is taken, and each class is counted."""
SYMMETRIC = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
"""Losses of two sides, either of which may be the prediction."""


def _describe(tensor: Any) -> dict[str, Any] | None:
    if not isinstance(tensor, torch.Tensor):
        return None
    return {"shape": list(tensor.shape), "dtype": str(tensor.dtype).removeprefix("torch.")}


def producer(tensor: torch.Tensor) -> str | None:
    """Names the operation that made a tensor, seen through views: `Sigmoid`, `Addmm`, ..."""
    node = behind_views(tensor.grad_fn, (*VIEWS, "Select", "Slice"))
    return None if node is None else operation(node)


class Losses(Probe):
    """Writes a `loss_call` event for each new kind of call, and numbers for each sampled one.

    Signals, by place `cross_entropy (train.py:31)`: `loss_call_value`, `loss_accuracy`,
    `label_entropy` (nats, of the labels in this batch), `target_min`, `target_max`, `target_mean`,
    `target_std`; `label_count` by class.
    """

    name = "losses"
    sampled: ClassVar = ("loss", "backward_begin", "backward_failed")

    def on_loss(self, name: str, function: Any, args: Any, kwargs: Any, result: Any) -> None:
        """Looks at one call made with gradients on."""
        watch = self.watch
        if watch.in_later_call:
            return  # of another point than the step's
        given = bind(function, args, kwargs)
        source, target = given.get("input"), given.get("target")
        known = True
        if (
            name in SYMMETRIC
            and isinstance(source, torch.Tensor)
            and isinstance(target, torch.Tensor)
        ):
            # either order gives the same loss, and both are written: the target needs no gradient
            known = source.requires_grad != target.requires_grad
            if target.requires_grad and known:
                source, target = target, source
        if not isinstance(source, torch.Tensor) or not isinstance(result, torch.Tensor):
            watch.skip(self.name, f"{name} was called, whose arguments are not looked at")
            return
        if not result.requires_grad and not source.requires_grad and not watch.grad_enabled:
            return
        site = user_site(2)
        place = place_at(name, site)
        facts = {
            "fn": name,
            "place": place,
            "input": _describe(source),
            "target": _describe(target),
            "output": list(result.shape),
            "requires_grad": source.requires_grad,
            "reduction": given.get("reduction", "mean"),
            "label_smoothing": given.get("label_smoothing", 0.0),
            "ignore_index": given.get("ignore_index"),
            "weighted": given.get("weight") is not None or given.get("pos_weight") is not None,
            "producer": producer(source),
            "in_graph": result.requires_grad,
        }
        shapes = tuple(source.shape[1:]), tuple(target.shape[1:]) if target is not None else ()
        first = source.shape[0] == 1 if source.dim() else True
        watch.event_once("loss_call", place, shapes, first, source.requires_grad, **facts)
        if result.numel() == 1:
            watch.put("loss_call_value", place, result.detach().reshape(()))
        else:
            watch.skip("loss_call_value", f"{name} gave back {result.numel()} numbers, not one")
        source_needs, source = source.requires_grad, source.detach()
        if source.numel() == 0:
            return
        if isinstance(target, torch.Tensor) and not known:
            why = "both sides need a gradient" if source_needs else "neither side needs a gradient"
            watch.skip("target_mean", f"which side of {name} is the target is unknown: {why}")
        elif isinstance(target, torch.Tensor):
            self._target(place, name, source, target.detach(), given.get("ignore_index", -100))

    def on_backward_begin(self, roots: Any, kept: bool) -> None:
        """Notes a loss whose graph is cut: it is a leaf, made by hand from a number."""
        loss = roots[0] if isinstance(roots, (tuple, list)) and roots else roots
        if isinstance(loss, torch.Tensor) and loss.grad_fn is None:
            self.watch.event_once("loss_without_graph", requires_grad=loss.requires_grad)

    def on_backward_failed(self, roots: Any, error: BaseException) -> None:
        """Notes what autograd said."""
        self.watch.event_once("backward_failed", str(error)[:80], error=str(error)[:500])

    def _target(
        self, place: str, name: str, source: torch.Tensor, target: torch.Tensor, ignored: Any
    ) -> None:
        put = self.watch.put
        if target.numel() == 0:
            return
        if target.is_floating_point():
            put("target_min", place, target.min())
            put("target_max", place, target.max())
            mean, std = moments(target)
            put("target_mean", place, mean)
            put("target_std", place, std)
            if name == "binary_cross_entropy_with_logits" and target.shape == source.shape:
                put("loss_accuracy", place, ((source > 0) == (target > 0.5)).float().mean())
            return
        if name not in ("cross_entropy", "nll_loss", "multi_margin_loss") or source.dim() < 2:
            return
        counted = target != ignored
        classes = source.shape[1]
        right = (source.argmax(1) == target) & counted
        put("loss_accuracy", place, right.sum() / counted.sum())
        put("target_counted_share", place, counted.float().mean())
        put("target_counted", place, counted.sum())
        if source.dim() != 2:
            self.watch.skip("label_count", f"{name} was given several labels for each row")
        elif classes > COUNTED_AT_MOST:
            self.watch.skip("label_count", f"{classes} classes are too many to count one by one")
        if classes <= CLASSES_AT_MOST and source.dim() == 2:
            labels = target.flatten()[counted.flatten()] if ignored is not None else target
            counts = torch.bincount(labels.clamp(0, classes - 1), minlength=classes).float()
            share = counts / counts.sum()
            put("label_entropy", place, -(share * share.clamp_min(1e-12).log()).sum())
            for label in range(classes) if classes <= COUNTED_AT_MOST else ():
                put("label_count", f"{label}", counts[label])
