"""Probe: how much of what the gradient promised a step achieved, on its own batch."""

from __future__ import annotations

from time import perf_counter
from typing import Any, ClassVar, NamedTuple

import torch

from ...curvature.hessian import Hessian
from ...curvature.second_order import SecondOrder, room, trained
from ...replay.replays import Replays
from ...replay.structure import NotReplayable
from ...watching.measures import inner, norms, stored, total

CURVATURE_AT = (0, 1, 2, 3, 5, 8, 12, 18, 28)
"""Iterations of the opening window at which curvature is measured."""

STEPS_PER_CURVATURE = 2.0
"""What measuring the curvature costs, in steps."""

ROUNDING = 64
"""A predicted change below this many units in the last place of the loss can't be compared with the
actual one: the two losses are sums of many terms, each rounded. Nor can one below a single unit in
the last place of weights in half precision, by which the terms are computed."""


class _Moved(NamedTuple):
    """A step that was taken: who took it, how far it went, and what the gradient promised."""

    training: Any
    step: int
    parameters: list[torch.Tensor]
    move: list[torch.Tensor]
    predicted: torch.Tensor


class StepQuality(SecondOrder):
    """Step quality r: the actual change of the loss over the change that the gradient predicts.

    Signals at place "": `step_quality`, `predicted_change` (g.T d, d the update, g the gradient as
    backward left it, in units of the loss), `actual_change` (replay only). r is 1 for a step too
    short to notice curvature, about 0.5 at the minimum along the step, below 0 if the loss rose;
    nan for a step that the gradient itself expects to go uphill, as momentum takes at times.

    The loss is computed once more after the step, on the same batch (see `Replays`); where it can't
    be, r = 1 + d.T H d / (2 g.T d), with one double backward through the next step's graph. Of an
    opening the first eight steps are measured, and then every other one.
    """

    name = "step_quality"
    sampled: ClassVar = ("backward_begin", "backward_end", "closure_end", "gradients_ready",
                         "step_end", "step_skipped")  # fmt: skip

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._recorder = watch.new_recorder()
        self.replays = watch.shared(Replays)
        self._pending: _Moved | None = None
        self.iteration_begins()

    def iteration_begins(self) -> None:
        """Forgets everything of an earlier iteration."""
        self._why: str | None = None
        self._backwards = 0
        self._done = False
        self._scaled: tuple[Any, Any] | None = None
        self._loss: torch.Tensor | None = None
        self._factor: torch.Tensor | None = None
        self._original: int | None = None
        self._stale: list[torch.Tensor] = []
        self._gradients: dict[int, torch.Tensor] = {}
        self._before: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []

    def on_scaled(self, original: Any, scaled: Any) -> None:
        """Remembers which loss was multiplied."""
        super().on_scaled(original, scaled)
        if self.watch.sampling and self.watch.is_repeated:
            self._scaled = original, scaled

    # -- the step -------------------------------------------------------------------------------

    def on_backward_begin(self, roots: Any, kept: bool) -> None:
        """Notes the loss, and which gradients were there before it."""
        if not self.watch.is_repeated:
            return
        self._backwards += 1
        loss = roots[0] if isinstance(roots, (tuple, list)) and len(roots) == 1 else roots
        if self._backwards > 1 or not isinstance(loss, torch.Tensor) or loss.numel() != 1:
            self._why = self._why or "gradients of several losses are added up"
            return
        if self._scaled is not None and loss is self._scaled[1]:
            original, scaled = self._scaled
            self._factor = (scaled.detach() / original.detach()).reshape(())
            loss, self._original = original, self.replays.number(original)
        self._scaled = None
        self._loss = loss.detach().reshape(())
        self._stale = [stored(p.grad) for p in self._known() if p.grad is not None]
        if self._stale:
            self._stale = [total(norms(self._stale))]

    def _known(self) -> list[torch.Tensor]:
        optimizer = self.only_optimizer()
        return trained(optimizer) if optimizer is not None else []

    def on_backward_end(self, roots: Any) -> None:
        """Copies the gradient before it is clipped or unscaled."""
        if self._backwards != 1:
            return
        parameters = [p for p in self._known() if p.grad is not None]
        size = sum(p.numel() * p.element_size() for p in parameters)
        if not parameters or 3 * size > room(parameters[0].device):
            return
        for p in parameters:
            if p.grad is not None and p.grad.layout is torch.strided:
                self._gradients[id(p)] = p.grad.detach().clone()

    def on_closure_end(self, optimizer: Any) -> None:
        """Looks at the first loss of a closure: most optimizers, and Lightning, call it once."""
        self.on_gradients_ready(optimizer)

    def on_gradients_ready(self, optimizer: Any) -> None:
        """Copies the weights, and tries once whether the loss can be repeated at all."""
        if self._backwards != 1 or self._done or self._loss is None:
            return
        moved = [p for p in trained(optimizer) if p.grad is not None]
        if any(id(p) not in self._gradients for p in moved):
            return
        self._before = [(p, p.detach().clone(), self._gradients[id(p)]) for p in moved]
        if self._replayable():
            try:
                self.replays.verify(self._loss, self._original)
            except NotReplayable as error:
                self._why = str(error)

    def _replayable(self) -> bool:
        self._why = self._why or self.replays.why_not
        return self._why is None

    def _after(self) -> torch.Tensor | None:
        if self._replayable():
            try:
                return self.replays.loss(of=self._original)
            except NotReplayable as error:
                self._why = str(error)
        return None

    def on_step_skipped(self, optimizer: Any) -> None:
        """A step that did not happen has no quality."""
        self.iteration_begins()

    def on_step_end(self, optimizer: Any) -> None:
        """Compares what the step did with what its gradient promised."""
        before, self._before, self._done = self._before, [], True
        if not before or self._loss is None or self._backwards != 1:
            return
        parameters = [p for p, _, _ in before]
        move = torch._foreach_sub([p.detach() for p in parameters], [b for _, b, _ in before])
        predicted = inner([g for _, _, g in before], move)
        if self._factor is not None:
            predicted = predicted / self._factor
        valid = predicted < 0
        if self._stale:
            valid = valid & (self._stale[0] == 0)
        put = self.watch.put
        put("predicted_change", "", predicted)
        after = self._after()
        if after is not None:
            actual = after.float() - self._loss.float()
            coarsest = max(torch.finfo(p.dtype).eps for p in parameters)
            unit = max(torch.finfo(self._loss.dtype).eps * ROUNDING, coarsest)
            exact = unit * self._loss.abs()
            measurable = valid & (predicted.abs() > exact)
            ratio = torch.where(measurable, actual / predicted, torch.nan)
            put("actual_change", "", actual)
            put("step_quality", "", ratio)
            if not ratio.is_cpu or bool(measurable) or not bool(valid):
                return
            self._why = "the loss changed by less than its rounding"
        self._await(_Moved(
            self.watch.training(optimizer), self.watch.training(optimizer).step,
            parameters, list(move), torch.where(valid, predicted, torch.nan),
        ))  # fmt: skip

    # -- curvature, where the batch can't be evaluated again --------------------------------------

    def _await(self, moved: _Moved) -> None:
        since = self.watch.iteration - self.watch.opening_began
        if self.watch.is_opening and since not in CURVATURE_AT:
            return
        if self.only_optimizer() is None or self.refusal is not None:
            self._skip(self.refusal or "several optimizers")
            return
        if not self.watch.grant(STEPS_PER_CURVATURE, ahead=1):
            return
        self._forget()
        self._pending = moved
        self.watch.listen("backward_begin", self._next_backward)

    def _forget(self) -> None:
        if self._pending is not None:
            self._pending = None
            self.watch.unlisten("backward_begin", self._next_backward)

    def _skip(self, why: str) -> None:
        replay = f"the batch can't be evaluated again ({self._why}); " if self._why else ""
        self.watch.skip("step_quality", f"{replay}no curvature either: {why}")

    def _next_backward(self, roots: Any, kept: bool) -> None:
        moved = self._pending
        self._forget()
        if moved is None:
            return
        began = perf_counter()
        why = self.why_not(roots, moved.parameters)
        if why is None:
            try:
                with self.watch.silence():
                    images = Hessian(roots, moved.parameters).product(moved.move)
                bent = inner(moved.move, images)
                self._recorder.put("step_quality", "", 1 + bent / (2 * moved.predicted))
                self._recorder.close(moved.training.index, moved.step)
            except (RuntimeError, NotImplementedError, torch.OutOfMemoryError) as error:
                why = str(error).splitlines()[0][:200]
        if why is not None:
            self._skip(why)
            self.refusal = why
        self.watch.charge(began)

    def finish(self) -> None:
        """Drops what is held."""
        self._forget()
        self.iteration_begins()
        self._recorder.flush_arrived(wait=True)
