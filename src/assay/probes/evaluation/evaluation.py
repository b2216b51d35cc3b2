"""Probe: evaluation phases. A loss computed with gradients off is a held-out loss."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from ...seams.arguments import bind
from ...seams.callsite import user_site
from ...watching.probe import Probe

CLASSES_AT_MOST = 64
PURE, RIGHT_AT_MOST, CALLED_AT_LEAST = 0.8, 0.05, 10
"""What is called one class and is another: so many samples, of one label, and hardly its own."""


class Evaluation(Probe):
    """Adds up loss and accuracy over the calls made with gradients off between two steps.

    Line `evaluation`: mean loss (weighted by batch size), accuracy where classes are known,
    samples. Event `eval_labels`: how often each class occurred. Event `eval_renumbered`, of an
    evaluation in which two answers or more nearly always meant another label.
    """

    name = "evaluation"
    always: ClassVar = ("evaluation_loss",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._sums: dict[str, list[Any]] = {}
        self._labels: dict[int, Any] = {}
        self._meant: dict[int, Any] = {}

    def on_evaluation_loss(
        self, name: str, function: Any, args: Any, kwargs: Any, result: Any
    ) -> None:
        """One batch of an evaluation."""
        if not isinstance(result, torch.Tensor) or result.numel() != 1:
            return
        given = bind(function, args, kwargs)
        source, target = given.get("input"), given.get("target")
        if not isinstance(source, torch.Tensor) or source.dim() == 0:
            return
        size = source.shape[0]
        value = result.detach().reshape(()).float()
        if given.get("reduction") != "sum":
            value = value * size
        self.watch.listen("backward_begin", self._on_backward_begin)
        sums = self._sums.setdefault(name, [0.0, 0, 0.0, 0])
        sums[0], sums[1] = sums[0] + value, sums[1] + size
        if (
            name in ("cross_entropy", "nll_loss")
            and isinstance(target, torch.Tensor)
            and not target.is_floating_point()
            and source.dim() == target.dim() + 1
        ):
            counted = target != given.get("ignore_index", -100)
            right = (source.argmax(1) == target) & counted
            sums[2], sums[3] = sums[2] + right.sum(), sums[3] + counted.sum()
            classes = source.shape[1]
            if source.dim() == 2 and 2 <= classes <= CLASSES_AT_MOST:
                labels = torch.arange(classes, device=target.device)
                counts = (target[:, None] == labels).sum(0)  # bincount would wait
                self._labels[classes] = self._labels.get(classes, 0) + counts
                said = (source.argmax(1)[:, None] == labels) & counted[:, None]
                meant = said.float().T @ (target[:, None] == labels).float()  # MPS has no double
                before, line = self._meant.get(classes) or (0, user_site(2))
                self._meant[classes] = before + meant, line

    def _on_backward_begin(self, roots: Any, kept: bool) -> None:
        """Training goes on: the phase is over."""
        self.watch.unlisten("backward_begin", self._on_backward_begin)
        self._write()

    def finish(self) -> None:
        """Writes the last phase, which may end the run."""
        self._write()

    def _write(self) -> None:
        for name, (loss, size, right, counted) in self._sums.items():
            last = self.watch.trainings[-1] if self.watch.trainings else None
            self.watch.line(
                "evaluation",
                o=last.index if last else 0,
                s=last.step if last else 0,
                fn=name,
                loss=float(loss) / size if size and float(loss) == float(loss) else None,
                accuracy=float(right) / float(counted) if float(counted) else None,
                n=size,
            )
        self._sums = {}
        for classes, seen in self._labels.items():
            counts = seen.tolist()
            self.watch.event_once("eval_labels", classes, sum(counts).bit_length(), counts=counts)
        meant, self._meant = self._meant, {}
        for answers, line in meant.values():
            self._note_renumbered(answers.cpu().double(), line)

    def _note_renumbered(self, meant: torch.Tensor, line: Any) -> None:
        """Tells of answers that meant another label; `meant` counts labels, by answer."""
        given = meant.sum(1).clamp(min=1)
        label = meant.argmax(1)
        other = (
            (given >= CALLED_AT_LEAST)
            & (meant.amax(1) >= PURE * given)
            & (meant.diagonal() <= RIGHT_AT_MOST * given)
        ).nonzero()[:, 0]
        labels = label[other]
        if len(other) >= 2 and len(labels.unique()) == len(labels):
            self.watch.event(
                "eval_renumbered",
                answers=other.tolist(),
                labels=labels.tolist(),
                share=float(meant[other, labels].sum() / given[other].sum()),
                samples=int(given[other].sum()),
                of=int(meant.sum()),
                line=None if line is None else list(line),
            )
