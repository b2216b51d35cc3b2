"""The clock of a watched process: iterations, steps and their losses."""

from __future__ import annotations

from math import inf, isfinite
from time import monotonic
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..journal.writer import FLUSH_SECONDS, Journal
from ..seams.hub import Hub
from .facts import Facts
from .fast import FastPath
from .ranges import LossRange
from .sampling import Sampling
from .scaled import ScaledLosses
from .stopping import stops_now
from .training import TrainingLog

if TYPE_CHECKING:
    from .phases import Phases

STALLED_AFTER = 256
"""Backward passes without a step that are told of; accumulation is longer than this only rarely."""


class Clock:
    """Knows where the training is.

    An *iteration* is one or more backward passes followed by one or more optimizer steps.
    `on_backward_begin` and `on_step_end` run at every step, between torch's own code that has
    driven ours out of the caches: every call that they make is paid for, and what they touch lies
    in slots, side by side. Between samples both take the fast path at their top (`FastPath`); all
    else is in the methods that they call otherwise.
    """

    name = "clock"
    """Under this name the watch itself is reported, beside its probes."""

    __slots__ = (
        "_batches",
        "_began",
        "_closures",
        "_ended",
        "_ended_in",
        "_facts",
        "_hub",
        "_journal",
        "_last",
        "_opened",
        "_rates",
        "_sampling",
        "_scaled",
        "_seconds",
        "_since_step",
        "_stalled_at",
        "_steps",
        "_whole_s",
        "fast",
        "in_closure",
        "iteration",
        "loss",
        "phases",
        "range",
        "stepped",
    )

    def __init__(
        self, hub: Hub, journal: Journal, facts: Facts, sampling: Sampling, settings: dict[str, Any]
    ) -> None:
        self._hub, self._journal = hub, journal
        self._facts, self._sampling = facts, sampling
        self._steps: int | None = settings.get("steps")
        self._seconds: float | None = settings.get("seconds")
        self._scaled = ScaledLosses()
        self.fast = FastPath()
        self.phases: Phases | None = None
        self.range = LossRange()
        self.forget()

    def forget(self) -> None:
        """Forgets what the parent of a forked process trained."""
        self.iteration = 0
        self.stepped = False
        """Whether a step of this iteration was taken."""
        self.loss: float | Tensor | None = None
        """Sum of the losses of this iteration so far; a tensor where it lies on an accelerator."""
        self.in_closure = False
        self._closures = 0
        self.range.forget()
        self._since_step, self._stalled_at = 0, STALLED_AFTER
        self._rates: list[Any] | None = None  # of the step under way
        self._batches = 1  # of the script's, that a trick has gathered for that step
        self._last: TrainingLog | None = None
        self._opened = False
        self._began = 0.0  # when the training began
        self._whole_s, self._ended_in, self._ended = 1.0, 0, monotonic()
        self.fast.cancel("a new process")

    def attach(self, phases: Phases) -> None:
        """Listens to all that tells of iterations, but for the end of a step (`attach_last`)."""
        hub, self.phases = self._hub, phases
        hub.keep_time(self)
        hub.on("backward_begin", self.on_backward_begin)
        hub.on("grad_begin", self._on_grad_begin)
        hub.on("scaled", self._on_scaled)
        hub.on("divided", self._on_scaled)
        hub.on("gathered", self._on_gathered)
        hub.on("step_begin", self._on_step_begin)
        hub.on("closure_begin", self._on_closure_begin)
        hub.on("closure_end", self._on_closure_end)

    def attach_last(self) -> None:
        """Listens to the end of a step, after every probe."""
        self._hub.on("step_end", self.on_step_end)
        self._hub.on("step_skipped", self._on_step_skipped)

    def open(self) -> None:
        """Begins the journal: this process trains, and this thread is the one that is heard."""
        self._opened = True
        self._began = monotonic()
        self._hub.own_thread()
        self._journal.open()

    # -- at every step ----------------------------------------------------------------------------

    def on_backward_begin(self, roots: Any, kept: Any) -> None:
        """Adds the loss to the iteration's, and begins a new one where the last has stepped."""
        if self.fast.steps_left and type(roots) is Tensor and roots.is_cpu and roots.numel() == 1:
            value = roots.item()
            if self.stepped:
                self.stepped = False
                self.iteration += 1
                self.loss = value
                self._since_step = 1
            else:
                self.add_loss(value)
                self._count_since_step()
            if not -inf < value <= self.range.high:
                self._out_of_range(value, roots)
            return
        self._look_at_backward(roots)

    def on_step_end(self, optimizer: Any) -> None:
        """Notes that a step is done. Most of them, between samples, only add to a list."""
        fast = self.fast
        if fast.steps_left and (training := self._last) and training.optimizer() is optimizer:
            groups = optimizer.param_groups
            rate = groups[0].get("lr")
            same = len(groups) == 1 and not isinstance(rate, Tensor) and [rate] == training.rates
            if same and monotonic() < fast.until:
                fast.steps_left -= 1
                self.stepped = True
                training.losses.append(self.loss)
                return
        training = self.note_step(optimizer)
        if self._steps and training.step >= self._steps:
            self.stop(f"stopped after step {training.step}, as asked by --steps")
        if self._seconds and stops_now(
            self._journal.folder, training.step, over=self._ended - self._began >= self._seconds
        ):
            self.stop(f"stopped after {self._seconds:g} s of training, as asked by --seconds")

    # -- iterations -------------------------------------------------------------------------------

    def next_iteration(self) -> None:
        """Begins a new iteration, at its first sign."""
        self._sampling.iteration_ends(self.iteration, self._whole_s)
        self.stepped = False
        self.iteration += 1
        self.loss = None
        self._since_step = 0
        self._sampling.iteration_begins(self.iteration)

    def on_loss(self, name: str, function: Any, args: Any, kwargs: Any, result: Any) -> None:
        """Begins a new iteration at its first loss; heard while samples are taken."""
        if self.stepped and torch.is_grad_enabled():
            self.next_iteration()

    def _look_at_backward(self, roots: Any) -> None:
        if self.stepped:
            self.next_iteration()
        if not self._opened:
            self.open()
        self._count_pass()
        if not self.in_closure:
            self._count_since_step()
        if self.in_later_call:
            return  # LBFGS looks around; the loss it started from is the step's
        for root in roots if type(roots) in (tuple, list) else (roots,):
            if isinstance(root, Tensor) and root.numel() == 1:
                number = self._scaled.value(root)
                self.add_loss(number)
                if type(number) is float:
                    self.range.learn(number, opening=self._sampling.plan.is_opening(self.iteration))
                    if not -inf < number <= self.range.high:
                        self._out_of_range(number, roots)

    def _on_grad_begin(self, outputs: Any, inputs: Any) -> None:
        if self.stepped:
            self.next_iteration()
        self._count_pass()

    def _count_pass(self) -> None:
        sampling = self._sampling
        if sampling.active and not self.in_closure:  # a closure is called within a step
            sampling.count_pass()
            if sampling.suspended:
                self._await_zero_grad()

    def _count_since_step(self) -> None:
        """Counts a pass, and tells ever more rarely that one follows another without a step."""
        self._since_step += 1
        if self._since_step >= self._stalled_at:
            self._stalled_at = 2 * self._since_step
            finite = isfinite(self.loss) if isinstance(self.loss, float) else None
            self._hub.emit("stalled", self._since_step, finite)

    # -- losses -----------------------------------------------------------------------------------

    def add_loss(self, value: float | Tensor | None) -> None:
        """Adds a loss to the iteration's: accumulated batches and joint losses are one step's."""
        if value is not None:
            self.loss = value if self.loss is None else self.loss + value

    def _out_of_range(self, loss: float, roots: Any) -> None:
        if not isfinite(loss):
            self._hub.emit("loss_not_finite", roots)
            self._await_zero_grad()
        else:
            self.range.widen(loss)
        if self.phases is not None:
            self.phases.loss_leaves_range()

    def _await_zero_grad(self) -> None:
        if self._on_zero_grad not in self._hub.listeners["zero_grad"]:
            self._hub.on("zero_grad", self._on_zero_grad)

    def _on_zero_grad(self, owner: Any) -> None:
        suspended = self._sampling.suspended
        if not suspended:
            self._hub.off("zero_grad", self._on_zero_grad)
        loss = self.loss
        unwanted = suspended or (isinstance(loss, float) and not isfinite(loss))
        if not self.stepped and unwanted:
            self.loss = None  # the user throws this backward pass away

    def _on_scaled(self, original: Any, scaled: Any) -> None:
        self.fast.cancel("a loss was scaled")
        self._scaled.on_scaled(original, scaled)

    # -- steps ------------------------------------------------------------------------------------

    def _on_step_begin(self, optimizer: Any, has_closure: Any) -> None:
        self._closures = 0
        if self._hub.acted_on:  # a trick on the rate puts the script's own back when the step ends
            self.fast.cancel("a trick is at work")
            self._rates = [group["lr"] for group in optimizer.param_groups if "lr" in group]
        if not self._opened:  # gradients may come from torch.autograd.grad alone
            self.open()

    def _on_gathered(self, batches: int) -> None:
        self._batches = batches

    def _on_closure_begin(self, optimizer: Any) -> None:
        self.in_closure = True
        self.fast.cancel("the optimizer takes a closure")
        self._closures += 1

    @property
    def in_later_call(self) -> bool:
        """Whether a step is calling its closure again."""
        return self.in_closure and self._closures > 1

    def _on_closure_end(self, optimizer: Any) -> None:
        self.in_closure = False

    def _on_step_skipped(self, optimizer: Any) -> None:
        self.note_step(optimizer, skipped=True)

    def note_step(self, optimizer: Any, *, skipped: bool = False) -> TrainingLog:
        """Notes that a step is done, closes its sample, and says how many may now be noted fast.

        Args:
            optimizer: What has stepped.
            skipped: It did not, since a GradScaler found gradients that are not finite.
        """
        sampling, training = self._sampling, self._last
        if training is None or training.optimizer() is not optimizer:
            training = self._last = self._facts.training(optimizer)
            if self.phases is not None:
                self.phases.takes_over(training)
        if skipped:
            self._facts.event("step_skipped", training)
        sampled = sampling.active
        sampling.close(training, skipped=skipped)
        now = monotonic()
        if not skipped:
            rates = self._rates or [g["lr"] for g in optimizer.param_groups if "lr" in g]
            self._rates = None
            rates = training.known_rates(rates, look=sampled)
            loss = self.loss
            if self._batches > 1 and loss is not None:
                loss = loss / self._batches  # so that it is comparable with that of one
            if self.phases is not None:
                self.phases.step_ends(training, rates)
            training.note(loss, rates, now)
        if not self.stepped:
            self.stepped = True
            self._time_iteration(training, now)
        sampling.arm_if_due(self.iteration + 1)
        self.fast.grant(self._fast_steps(training), now)
        return training

    def _time_iteration(self, training: TrainingLog, now: float) -> None:
        iterations = max(self.iteration - self._ended_in, 1)
        whole_s = max(now - self._ended, 1e-6) / iterations
        self._ended, self._ended_in = now, self.iteration
        if whole_s > FLUSH_SECONDS:  # a slow step may be the last for long, or at all
            training.write()
            self._journal.flush()
        if not self._sampling.active:
            self._sampling.budget.plain(whole_s)
        self._whole_s = whole_s

    def _fast_steps(self, training: TrainingLog) -> int:
        """Returns how many steps after this one no sample and no limit needs to see."""
        if self._sampling.armed or self._seconds:
            return 0
        steps = self._sampling.next - self.iteration - 2
        return min(steps, self._steps - training.step - 1) if self._steps else steps

    def stop(self, why: str) -> None:
        """Ends the user's program cleanly, as `sys.exit(0)` in their own loop would."""
        self._journal.put("stop", why=why)
        raise SystemExit(0)
