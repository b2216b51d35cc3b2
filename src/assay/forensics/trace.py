"""The second run of a script: it is traced at the step at which the first one broke."""

from __future__ import annotations

import os
from typing import Any

import torch

from ..seams.hub import Hub
from ..watching.clock import Clock
from ..watching.facts import Facts
from .births import Births
from .calls import Birth, Place
from .facts import is_finite, looks
from .told import told
from .tracer import Tracer


class Trace:
    """Traces one step and the one before it, says where its loss is from, and ends the run.

    What breaks a loss may be a gradient of the step before, of which the loss knows nothing. Until
    then weights are looked at after each step: some that broke earlier, and were not used, are told
    with their step (`nonfinite_early`), so that this one can be traced instead.

    Args:
        asked: `training`, the number of a training, and `step`, at which it broke.
        hub: Announces what happens.
        facts: Takes the events.
        clock: Ends the run.
    """

    def __init__(self, asked: dict[str, Any], hub: Hub, facts: Facts, clock: Clock) -> None:
        self._training, self._step = int(asked["training"]), int(asked["step"])
        self._facts, self._clock = facts, clock
        self._tracer = Tracer(Births(facts.names))
        self._found: dict[str, Any] | None = None
        self._batch: int | None = None
        self._over = False
        # compiled code is one piece; it is computed line by line in this run, read as it is loaded
        os.environ.update(TORCHDYNAMO_DISABLE="1", TORCH_COMPILE_DISABLE="1")
        for event in ("root_begin", "backward_begin", "gradients_ready", "step_begin", "step_end",
                      "step_skipped", "training_found"):  # fmt: skip
            hub.on(event, getattr(self, f"on_{event}"))
        if self._step <= 1:
            self._tracer.enter()

    # -- what the script does ---------------------------------------------------------------------

    def on_training_found(self, training: Any, optimizer: Any) -> None:
        """Learns the names of parameters while their model is sure to be alive."""
        self._tracer.asleep = True
        self._facts.learn_names(optimizer)
        self._tracer.asleep = False

    def on_root_begin(self, module: Any, args: Any, kwargs: Any) -> None:
        """Notes the size of a batch."""
        if self._tracer.error is not None or self._batch is not None:
            return
        for value in (*args, *kwargs.values()):
            if isinstance(value, torch.Tensor) and value.dim():
                self._batch = len(value)
                return

    def on_backward_begin(self, roots: Any, kept: bool) -> None:
        """Looks at the loss."""
        for root in roots if isinstance(roots, (tuple, list)) else (roots,):
            self._look("loss", "", root)

    def on_gradients_ready(self, optimizer: Any) -> None:
        """Looks at the gradients."""
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._look("gradient", parameter, parameter.grad)

    def on_step_begin(self, optimizer: Any, has_closure: bool) -> None:
        """Notes that what is computed now is the update."""
        if not has_closure:
            self._tracer.phase = "optimizer"

    def on_step_skipped(self, optimizer: Any) -> None:
        """Forgets what was found: the scaler has taken care of it."""
        self._found, self._batch = None, None
        self._tracer.forget_nodes()

    def on_step_end(self, optimizer: Any) -> None:
        """Looks at the weights, and tells what was found in this step; begins to trace in time."""
        self._tracer.phase = "forward"
        training = self._facts.training(optimizer)
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                self._look("weight", parameter, parameter)
        if self._found is not None and not self._over:
            self._tell(training, training.step - 1)
            self._end()
        if training.index == self._training and not self._over:
            # the clock hears of the end of a step before this: `step` steps are over
            if training.step > self._step:
                self._end()
            elif training.step >= self._step - 1:
                self._tracer.enter()
        self._batch = None
        self._tracer.forget_nodes()

    # -- what is said -----------------------------------------------------------------------------

    def _look(self, what: str, owner: Any, value: Any) -> None:
        """Keeps, of a step's loss, gradients and weights, the first that is not finite."""
        if self._over or self._found is not None or not looks(value):
            return
        tracer = self._tracer
        tracer.asleep = True
        try:
            with torch.no_grad():
                if is_finite(value):
                    return
                early = not tracer.active
                birth = Birth("", Place(), value) if early else tracer.births.of(value)
                if not early and what == "weight" and birth.tensor is not None:
                    early = True
                self._found = {
                    "what": what,
                    "owner": None if what == "loss" else self._facts.names.parameter(owner),
                    "early": early,
                    **told(birth, self._facts.names, self._batch),
                }
        finally:
            tracer.asleep = False

    def _tell(self, training: Any, step: int) -> None:
        found, self._over = self._found, True
        assert found is not None
        early = found.pop("early")
        if early:
            what, owner = found["what"], found["owner"]
            self._facts.event("nonfinite_early", training, at=step, what=what, owner=owner)
        else:
            self._facts.event("nonfinite_traced", training, at=step, **found)

    def _end(self) -> None:
        self._over = True
        self._tracer.leave()
        self._clock.stop("the step was traced")

    def finish(self) -> None:
        """Tells what was found in a step that never ended: the script may have noticed it."""
        if self._found is not None and not self._over:
            trainings = self._facts.trainings
            training = next((t for t in trainings if t.index == self._training), None)
            self._tell(training, training.step if training is not None else 0)
        if self._tracer.error is not None:
            error = self._tracer.error
            self._facts.skip("forensics", f"tracing failed ({type(error).__name__}: {error})")
        self._tracer.leave()
