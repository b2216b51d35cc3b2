"""Probe: losses and errors that mean the same whatever trick is on; only in trials."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from ...seams.arguments import bind
from ...watching.probe import Probe

DENSE_STEPS = 1000
"""So many steps are all measured; later every second one, every third, and so on."""

ON_SIMPLEX = 1e-3
"""Rows that sum to 1 within this are probabilities already."""


class Comparable(Probe):
    """Signals at place "": `loss_alike`, `training_error`, for each step.

    A trick that changes what a loss measures can't be judged by that loss. `loss_alike` is the loss
    as it ought to be: of classes, the negative log-likelihood of the labels in nats, softmax
    undone, without smoothing and weights; of numbers, element by element with shapes made equal.
    `training_error` is the share of wrong answers, where classes are known.

    Sampled steps are too few to average either, so that a trial pays for it in each step.
    """

    name = "comparable"
    always: ClassVar = ("loss", "step_end", "step_skipped")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._recorder = watch.new_recorder()
        self._seen: dict[str, tuple[torch.Tensor, int]] = {}
        self._wait = 0

    def on_loss(self, name: str, function: Any, args: Any, kwargs: Any, result: Any) -> None:
        """One batch of training."""
        if self._wait or not torch.is_grad_enabled():
            return
        given = bind(function, args, kwargs)
        source, target = given.get("input"), given.get("target")
        if isinstance(source, torch.Tensor) and isinstance(target, torch.Tensor):
            ignored = given.get("ignore_index", -100)
            with torch.no_grad(), self.watch.silence():
                alike = loss_alike(name, source.detach(), target, ignored)
                wrong = wrong_share(name, source, target, ignored)
            for signal, value in (("loss_alike", alike), ("training_error", wrong)):
                if value is not None:
                    known = self._seen.get(signal)
                    value = value.float()
                    total, calls = (value, 1) if known is None else (known[0] + value, known[1] + 1)
                    self._seen[signal] = total, calls

    def on_step_end(self, optimizer: Any) -> None:
        """Writes the step's numbers: means over the losses that it was taken for."""
        if self._wait:
            self._wait -= 1
        elif self._seen:
            training = self.watch.training(optimizer)
            for signal, (total, calls) in self._seen.items():
                self._recorder.put(signal, "", total / calls)
            self._recorder.close(training.index, training.step)
            self._seen = {}
            self._wait = training.step // DENSE_STEPS

    def on_step_skipped(self, optimizer: Any) -> None:
        """Nothing was learnt from what was seen."""
        self._seen = {}

    def finish(self) -> None:
        """Writes what is still on its way from a device."""
        self._recorder.flush_arrived(wait=True)


def loss_alike(
    name: str, source: torch.Tensor, target: torch.Tensor, ignored: Any
) -> torch.Tensor | None:
    """Returns the loss as it ought to be computed, a scalar; None where that is not known.

    Args:
        name: The loss function.
        source: What it was given: [N, C, ...] for losses of classes.
        target: Classes [N, ...], or as many values as `source` has.
        ignored: The class that does not count.
    """
    # torch's losses by hand: the functions themselves may have a trick in them
    if name in ("cross_entropy", "nll_loss"):
        if not _are_classes(source, target):
            return None
        whole = ((source.sum(1) - 1).abs() < ON_SIMPLEX) & (source >= 0).all(1)
        likely = source.clamp_min(torch.finfo(source.dtype).tiny).log()
        undone = torch.where(whole.all(), likely, source).log_softmax(1)
        counted = target != ignored
        labels = torch.where(counted, target, 0).unsqueeze(1)
        likelihood = undone.gather(1, labels).squeeze(1)
        return -torch.where(counted, likelihood, 0.0).sum() / counted.sum()
    if source.numel() != target.numel():
        return None
    x, y = source.flatten(), target.flatten().to(source.dtype)
    if name == "mse_loss":
        return (x - y).square().mean()
    if name == "l1_loss":
        return (x - y).abs().mean()
    if name == "binary_cross_entropy":
        return -(y * x.log().clamp_min(-100) + (1 - y) * (-x).log1p().clamp_min(-100)).mean()
    if name == "binary_cross_entropy_with_logits":
        return (torch.logaddexp(torch.zeros_like(x), x) - x * y).mean()
    return None


def wrong_share(
    name: str, source: torch.Tensor, target: torch.Tensor, ignored: Any
) -> torch.Tensor | None:
    """Returns wrong answers over counted ones, a scalar; None where there are no classes.

    The arguments are those of `loss_alike`.
    """
    if name in ("cross_entropy", "nll_loss", "multi_margin_loss"):
        if not _are_classes(source, target):
            return None
        counted = target != ignored
        wrong: torch.Tensor = (source.argmax(1) != target) & counted
        return wrong.sum() / counted.sum()
    threshold = {"binary_cross_entropy_with_logits": 0.0, "binary_cross_entropy": 0.5}.get(name)
    if threshold is None or source.shape != target.shape:
        return None
    return torch.ne(source > threshold, target > 0.5).float().mean()


def _are_classes(source: torch.Tensor, target: torch.Tensor) -> bool:
    """Whether there is one class for each answer, not a distribution."""
    return not target.is_floating_point() and source.dim() == target.dim() + 1 >= 2
