"""Which forward passes are an evaluation's, for all probes that measure them."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from ...seams.callsite import site_of, user_frame
from ...watching.probe import Probe

PASSES_AT_MOST = 2
"""Passes looked at closely from each beginning: of an evaluation, or of a loader within it."""
BEGINNINGS_AT_MOST = 4
"""Of one evaluation; it may go over several sets of data."""
FOLLOWED_AT_MOST = 256
"""Passes of one evaluation that are heard of at all."""
SURE_FROM = 2
"""Passes with gradients on and without a backward pass, from where on they are no training."""
WITHOUT_GAP, SPACING = 32, 1.1
"""Of the evaluations that one line begins, after so many one is looked at each time their number
has grown by a tenth: 85 of 5,000."""
LINES_AT_MOST = 256

Site = tuple[str, int, str]


class Pass:
    """One forward pass of an evaluation.

    Attributes:
        module: What was called: an outermost module, the model or a part of it.
        place: Its name among places.
        number: Of the pass within its evaluation, from 0.
        close: Whether it is one of the first, which are measured.
        grad: Whether gradients were on.
        site: The user's line that called it.
        call: The same call of a loop has the same: code and instruction.
        announced: How often `eval()` had been called in this evaluation.
    """

    __slots__ = (
        "announced", "args", "call", "close", "grad", "kwargs", "module", "number", "place", "site",
    )  # fmt: skip

    def __init__(self, module: Any, place: str, args: Any, kwargs: Any) -> None:
        self.module, self.place, self.args, self.kwargs = module, place, args, kwargs
        self.number, self.close, self.grad = 0, True, torch.is_grad_enabled()
        self.announced = 0
        frame = user_frame()
        self.site: Site | None = None if frame is None else site_of(frame)
        self.call = None if frame is None else (frame.f_code, frame.f_lasti)


class Follower:
    """Hears of the passes of evaluations; a probe that measures them is one."""

    def pass_begins(self, one: Pass) -> None:
        """Hears that a pass begins."""

    def pass_ends(self, one: Pass, result: Any) -> None:
        """Hears what it has returned."""

    def evaluation_ends(self, sure: bool) -> None:
        """Hears that it is over; not `sure`: it was none, but training that goes on."""


class EvaluationPasses(Probe):
    """Finds evaluations, by step count alone, so that the same passes are seen on any machine.

    One begins, once something is trained, with `eval()`, with a region without gradients that the
    user enters, with a loss without gradients, or with a DataLoader. It ends with `train()`, with
    the next backward pass, and with the run. Each line that begins evaluations has its own count: a
    region that an average of weights enters at every step does not hide a test after training. A
    pass with gradients on is sure to be one when the evaluation ends otherwise than by a backward
    pass; in training mode, where nothing but a DataLoader announced it, when there were several.
    """

    name = "evaluation_passes"
    always: ClassVar = ("mode", "evaluation_loss", "gradients_off", "loader_begin", "compile")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._followers: list[Follower] = []
        self._lines: dict[Any, tuple[int, float]] = {}
        self._open = self._off = False
        self._position: tuple[int, int] | None = None
        self._here = 0  # evaluations at this position of training
        self._announced = self._by_loader = False
        self._announcements = 0
        self._passed_over = False  # the evaluation that `eval()` began, until it ends
        self._current: Pass | None = None
        self._passes = self._left = self._beginnings = self._unsure = 0

    def follow(self, follower: Follower) -> None:
        """Has a follower hear of passes."""
        self._followers.append(follower)

    # -- what begins and ends an evaluation -------------------------------------------------------

    def on_mode(self, module: Any, training: bool) -> None:
        """An evaluation begins, or ends."""
        if training:
            self._passed_over = False
            self._end(sure=self._may_be_sure())
        elif self._open:
            self._begins_again()
            self._announced = True
            self._announcements += 1
        elif self.watch.trainings:
            self._begin()
            self._announced, self._passed_over = True, not self._open

    def on_gradients_off(self, by_user: bool) -> None:
        """A region without gradients, which may be an evaluation's."""
        if by_user and not self._open and self.watch.trainings:
            self._begin()

    def on_evaluation_loss(
        self, name: str, function: Any, args: Any, kwargs: Any, result: Any
    ) -> None:
        """A loss of an evaluation, maybe one that nothing else announced."""
        if not self._open and self.watch.trainings:
            self._begin()
        self._announced = True

    def on_loader_begin(self, loader: Any) -> None:
        """Another set of data within the same evaluation, maybe."""
        if self._open and self._by_loader:
            self._end(sure=self._may_be_sure())
        if self._open:
            self._begins_again()
        elif self.watch.trainings:
            self._begin()
            self._by_loader = self._open

    def on_compile(self, target: Any) -> None:
        """Calls are left alone before any of them is compiled."""
        self._end(sure=False)

    def finish(self) -> None:
        """Ends the last evaluation with the run."""
        self._end(sure=self._may_be_sure())

    def _may_be_sure(self) -> bool:
        """Whether what no backward pass ended was an evaluation."""
        return self._announced or not self._unsure or self._unsure >= SURE_FROM

    def _on_backward_begin(self, roots: Any, kept: bool) -> None:
        self._end(sure=not self._unsure)

    def _on_grad_begin(self, outputs: Any, inputs: Any) -> None:
        self._end(sure=not self._unsure)

    def _begin(self) -> None:
        watch = self.watch
        if self._open or watch.compiled:
            return
        training = watch.trainings[-1]
        if self._position != (training.index, training.step):
            self._position, self._here = (training.index, training.step), 0
        elif self._passed_over:
            return
        frame = user_frame()
        key = None if frame is None else (frame.f_code, frame.f_lineno)
        self._here += 1
        if self._here > BEGINNINGS_AT_MOST:
            return
        if key not in self._lines and len(self._lines) >= LINES_AT_MOST:
            return
        count, due = self._lines.get(key, (0, 1.0))
        count += 1
        if count < due:
            self._lines[key] = count, due
            return
        self._lines[key] = count, count * SPACING if count >= WITHOUT_GAP else due
        self._open, self._announced, self._by_loader = True, False, False
        self._announcements = 0
        self._passes = self._beginnings = self._unsure = 0
        self._left, self._current = PASSES_AT_MOST, None
        watch.listen("called_root", self._on_call)
        watch.listen("called_root_end", self._on_return)
        watch.listen("backward_begin", self._on_backward_begin)
        watch.listen("grad_begin", self._on_grad_begin)

    def _begins_again(self) -> None:
        if self._beginnings < BEGINNINGS_AT_MOST:
            self._beginnings += 1
            self._left = PASSES_AT_MOST

    def _end(self, *, sure: bool) -> None:
        if not self._open:
            return
        self._open, self._current = False, None
        watch = self.watch
        watch.unlisten("backward_begin", self._on_backward_begin)
        watch.unlisten("grad_begin", self._on_grad_begin)
        self._deaf()
        if self._passes:
            for follower in self._followers:
                follower.evaluation_ends(sure)

    def _deaf(self) -> None:
        self.watch.unlisten("called_root", self._on_call)
        self.watch.unlisten("called_root_end", self._on_return)

    # -- its passes -------------------------------------------------------------------------------

    def _on_call(self, module: Any, args: Any, kwargs: Any) -> None:
        self._current = None
        place = self.watch.names.module(module)
        if place is None or (torch.is_grad_enabled() and module.training and not self._by_loader):
            return
        if not self._announced and not self._is_root(place):
            return  # a frozen part that is computed without gradients, on the way to a loss
        one = Pass(module, place, args, kwargs)
        one.number, one.close = self._passes, self._left > 0
        one.announced = self._announcements
        self._passes, self._left = self._passes + 1, self._left - 1
        self._unsure += one.grad
        self._current = one
        with torch.no_grad(), self.watch.silence():
            for follower in self._followers:
                follower.pass_begins(one)

    def _is_root(self, place: str) -> bool:
        names = self.watch.names
        return any(names.module(root) == place for root in names.roots)

    def _on_return(self, module: Any, result: Any) -> None:
        one, self._current = self._current, None
        if one is None or one.module is not module:
            return
        with torch.no_grad(), self.watch.silence():
            for follower in self._followers:
                follower.pass_ends(one, result)
        if self._passes >= FOLLOWED_AT_MOST:
            self._deaf()
