"""The clock of a watched process: iterations, steps and their losses."""

from __future__ import annotations

from abc import abstractmethod
from math import isfinite
from time import monotonic
from typing import Any

from torch import Tensor

from ..journal.writer import FLUSH_SECONDS, Journal
from ..seams.hub import Hub
from .budget import Budget
from .facts import Facts
from .plan import OWN_S_AT_MOST, PASSES_AT_MOST, SamplePlan
from .scaled import ScaledLosses
from .training import Training

QUICK_S = 0.1
"""After so long the next step is looked at closely: what a killed process may lose of its losses,
beside what the journal holds back."""


class Clock(Facts):
    """Knows where the training is.

    An *iteration* is one or more backward passes followed by one or more optimizer steps.
    `on_backward_begin` and `on_step_end` run at every step, between torch's own code that has
    driven ours out of the caches: every call that they make is paid for, and what they touch lies
    in slots, side by side.
    """

    __slots__ = ("_last", "_quick", "_quick_until", "stepped")

    def __init__(self, hub: Hub, journal: Journal, settings: dict[str, Any]) -> None:
        super().__init__(hub, journal)
        self._steps: int | None = settings.get("steps")
        self._seconds: float | None = settings.get("seconds")
        self.budget = Budget(float(settings.get("budget") or 0.01))
        self.plan = SamplePlan(self.budget)
        self.stepped = False
        self.in_closure = False
        self.suspended = False
        """Whether the sample of this iteration waits for a step, see `PASSES_AT_MOST`."""
        self._closures = self._passes = 0
        self._losses = ScaledLosses()
        self._rates: list[Any] | None = None  # of the step under way
        self._armed = self._opened = False
        self._last: Training | None = None
        self._quick, self._quick_until = 0, 0.0  # steps that may be noted without more ado
        self._whole_s, self._ended_in = 1.0, 0
        self._began = self._ended = monotonic()

    def keep_time(self) -> None:
        """Listens to all that tells of iterations, but for the end of a step."""
        hub = self.hub
        hub.keep_time(self)
        hub.on("backward_begin", self.on_backward_begin)
        hub.on("grad_begin", self._on_grad_begin)
        hub.on("scaled", self._on_scaled)
        hub.on("divided", self._on_scaled)
        hub.on("step_begin", self._on_step_begin)
        hub.on("closure_begin", self._on_closure_begin)
        hub.on("closure_end", self._on_closure_end)

    @abstractmethod
    def arm(self) -> None:
        """The next iteration is to be sampled: puts in place what that needs."""

    @abstractmethod
    def sample_or_disarm(self) -> None:
        """An iteration begins while armed: samples it if its time has come, else stops sampling."""

    @abstractmethod
    def suspend(self) -> None:
        """Takes a sample's listeners and seams away until the next step; what it saw is kept."""

    @abstractmethod
    def resume(self) -> None:
        """Goes on with a suspended sample."""

    def open(self) -> None:
        """This process trains: its journal begins, and this thread is the one that is heard."""
        self._opened = True
        self.hub.own_thread()
        self.journal.open()

    def next_iteration(self) -> None:
        """The first sign of a new iteration."""
        if self.sampling or self.suspended:
            if self.suspended:  # a step by hand, which nobody announces before it is made
                self.resume()
            self.plan.sampled(self.iteration, self._own_s, self._whole_s)
            self._own_s = 0.0
            self.recorder.drop()
        self._passes = 0
        self.stepped = False
        self.iteration += 1
        self._loss = None
        self.sampling = False
        if self._armed:
            self.sample_or_disarm()

    def on_backward_begin(self, roots: Any, kept: Any) -> None:
        """Adds the loss to the iteration's, and begins a new one where the last has stepped."""
        if self._quick and type(roots) is Tensor and roots.is_cpu and roots.numel() == 1:
            value = roots.item()
            if self.stepped:
                self.stepped = False
                self.iteration += 1
                self._loss = value
            else:
                self.add_loss(value)
            if not isfinite(value):
                self._not_finite(roots)
            return
        if self.stepped:
            self.next_iteration()
        if not self._opened:
            self.open()
        if self.sampling:
            self._passes += 1
            self.suspend_if_long()
        if self.in_closure and self._closures > 1:
            return  # LBFGS looks around; the loss it started from is the step's
        for root in roots if type(roots) in (tuple, list) else (roots,):
            if isinstance(root, Tensor) and root.numel() == 1:
                number = self._losses.value(root)
                self.add_loss(number)
                if type(number) is float and not isfinite(number):
                    self._not_finite(roots)

    def suspend_if_long(self) -> None:
        """Suspends a sample that has taken too many passes, or too long, and still has no step.

        A closure is called within a step, which ends the sample.
        """
        long = self._passes > PASSES_AT_MOST or self._own_s > OWN_S_AT_MOST
        if long and not self.in_closure:
            self.suspend()
            self._await_zero_grad()

    def _not_finite(self, roots: Any) -> None:
        self.hub.emit("loss_not_finite", roots)
        self._await_zero_grad()

    def _await_zero_grad(self) -> None:
        if self._on_zero_grad not in self.hub.listeners["zero_grad"]:
            self.hub.on("zero_grad", self._on_zero_grad)

    def _on_zero_grad(self, owner: Any) -> None:
        if not self.suspended:
            self.hub.off("zero_grad", self._on_zero_grad)
        loss = self._loss
        unwanted = self.suspended or (isinstance(loss, float) and not isfinite(loss))
        if not self.stepped and unwanted:
            self._loss = None  # the user throws this backward pass away

    def _on_scaled(self, original: Any, scaled: Any) -> None:
        self._quick = 0
        self._losses.on_scaled(original, scaled)

    def _on_grad_begin(self, outputs: Any, inputs: Any) -> None:
        if self.stepped:
            self.next_iteration()
        if self.sampling:
            self._passes += 1
            self.suspend_if_long()

    def _on_step_begin(self, optimizer: Any, has_closure: Any) -> None:
        self._closures = 0
        if self.hub.acted_on:  # a trick on the rate puts the script's own back when the step ends
            self._quick = 0
            self._rates = [group["lr"] for group in optimizer.param_groups if "lr" in group]
        if not self._opened:  # gradients may come from torch.autograd.grad alone
            self.open()

    def _on_closure_begin(self, optimizer: Any) -> None:
        self.in_closure, self._quick = True, 0
        self._closures += 1

    def _on_closure_end(self, optimizer: Any) -> None:
        self.in_closure = False

    def add_loss(self, value: float | Tensor | None) -> None:
        """Adds a loss to the iteration's: accumulated batches and joint losses are one step's."""
        if value is not None:
            self._loss = value if self._loss is None else self._loss + value

    def on_step_end(self, optimizer: Any) -> None:
        """Notes that a step is done. Most of them, between samples, only add to a list."""
        if self._quick and (training := self._last) and training.optimizer() is optimizer:
            groups = optimizer.param_groups
            same = len(groups) == 1 and [groups[0].get("lr")] == training.rates
            if same and monotonic() < self._quick_until:
                self._quick -= 1
                self.stepped = True
                training.losses.append(self._loss)
                return
        training = self.note_step(optimizer)
        if self._steps and training.step >= self._steps:
            self.stop(f"stopped after step {training.step}, as asked by --steps")
        if self._seconds and self._ended - self._began >= self._seconds:
            self.stop(f"stopped after {self._seconds:g} seconds, as asked by --seconds")

    def note_step(self, optimizer: Any, *, skipped: bool = False) -> Training:
        """Notes that a step is done, closes its sample, and says how many may now be noted quickly.

        Args:
            optimizer: What has stepped.
            skipped: It did not, since a GradScaler found gradients that are not finite.
        """
        training = self._last
        if training is None or training.optimizer() is not optimizer:
            training = self._last = self.training(optimizer)
        if skipped:
            self.event("step_skipped", training)
        if self.sampling or self.suspended:
            self.recorder.close(training.index, training.step)
        now = monotonic()
        if not skipped:
            rates, self._rates = self._rates, None
            if rates is None:
                rates = [group["lr"] for group in optimizer.param_groups if "lr" in group]
            loss, batches = self._loss, self.hub.batches_per_step
            if batches > 1 and loss is not None:
                loss = loss / batches  # so that it is comparable with that of one
            training.note(loss, rates, now)
        if not self.stepped:
            self.stepped = True
            steps = max(self.iteration - self._ended_in, 1)
            whole_s = max(now - self._ended, 1e-6) / steps
            self._ended, self._ended_in = now, self.iteration
            if whole_s > FLUSH_SECONDS:  # a slow step may be the last for long, or at all
                training.write()
                self.journal.flush()
            if not self.sampling:
                self.budget.plain(whole_s)
            self._whole_s = whole_s
        if not self._armed and self.iteration + 1 >= self.plan.next:
            self.arm()
        self._quick, self._quick_until = self._quick_steps(training), now + QUICK_S
        return training

    def _quick_steps(self, training: Training) -> int:
        """Steps after this one that no sample and no limit needs to see.

        What makes a step a special one (a trick, a closure, a scaled loss) takes the rest away.
        """
        if self._armed or self._seconds:
            return 0
        steps = self.plan.next - self.iteration - 2
        if self._steps:
            steps = min(steps, self._steps - training.step - 1)
        return max(steps, 0)

    def _on_step_skipped(self, optimizer: Any) -> None:
        self.note_step(optimizer, skipped=True)

    def stop(self, why: str) -> None:
        """Ends the user's program cleanly, as `sys.exit(0)` in their own loop would."""
        self.journal.put("stop", why=why)
        raise SystemExit(0)

    def forget(self) -> None:
        """In a forked child: what the parent process trained is not this process's."""
        super().forget()
        self._loss, self.stepped, self.iteration = None, False, 0
        self._last, self._opened, self._quick, self._ended_in = None, False, 0, 0
        self.budget = Budget(self.budget.share)
        self.plan = SamplePlan(self.budget, self.plan.opening)
