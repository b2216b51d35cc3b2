"""How `accumulate` holds a script's steps back until a window of batches is full."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from .counts import counted_targets
from .divided import divided
from .final import norm_so_far, nothing
from .ranks import Ranks
from .window import Windows

if TYPE_CHECKING:
    from ..stage import Stage


class Accumulation:
    """One accumulation in a process: the windows of its optimizers, and what the script did last.

    Args:
        name: The trick's, for what it refuses.
        batches: How many of the script's steps make a real one.
        stage: Where it acts.
    """

    def __init__(self, name: str, batches: int, stage: Stage) -> None:
        self.name, self.stage = name, stage
        self.windows = Windows(batches)
        self.targets = 1.0  # that the last loss was a mean over
        self.batch_used = False  # a backward pass came since the loader gave its last batch
        self.scaler: Any = None
        self.ranks = Ranks(stage, name, self.windows)
        # what the script did between its last backward and the step that was held back
        self.finishing: list[Callable[[], Any]] = []

    def begin(self) -> None:
        """Takes its place at the seams."""
        import torch
        from torch.amp import grad_scaler
        from torch.nn.utils import clip_grad

        stage, scaler = self.stage, grad_scaler.GradScaler
        stage.patches.on_undo(lambda: stage.hub.emit("gathered", 1))
        stage.each_optimizer(self.windows.cover)
        stage.on("loss", self.loss_computed)
        stage.on("batch", self.batch_given)
        stage.on("loader_end", self.loader_ended)
        stage.on("step_begin", self.step_begun)
        stage.change("backward", self.divide_roots)
        stage.hold_steps(self.let_step, first=True)
        unless_filling = self.unless_filling
        stage.patches.wrap(torch.optim.Optimizer, "zero_grad", self.unless_pending)
        stage.patches.wrap(torch.nn.Module, "zero_grad", self.unless_pending)
        stage.patches.wrap(clip_grad, "clip_grad_norm_", partial(unless_filling, norm_so_far))
        stage.patches.wrap(clip_grad, "clip_grad_value_", partial(unless_filling, nothing))
        stage.patches.wrap(scaler, "unscale_", partial(unless_filling, nothing))
        stage.patches.wrap(scaler, "update", self.unless_pending)

    # -- what is heard ---------------------------------------------------------------------------

    def loss_computed(self, name: str, function: Any, args: Any, kwargs: Any, result: Any) -> None:
        """Notes how many targets a loss was a mean over."""
        if result.requires_grad:
            self.targets = counted_targets(name, function, args, kwargs, result)

    def batch_given(self, *_: Any) -> None:
        """Notes that a loader gave a batch, which nothing has used yet."""
        self.batch_used = False

    def step_begun(self, optimizer: Any, has_closure: Any) -> None:
        """Refuses a step whose gradients are made inside it."""
        if has_closure and self.stage.meant(optimizer):
            self.stage.refuse(self.name, "a step that is given a closure can't be held back")

    def loader_ended(self, iterator: Any) -> None:
        """Steps once more, with what the last windows hold, as the script steps."""
        used = self.batch_used  # not so at the end of an evaluation's loader
        full = [known for known in self.windows.all() if used and known.flush()]
        rest = [optimizer for known in full if (optimizer := known.optimizer()) is not None]
        if not rest:
            return
        self.ranks.average_what_is_local(rest)
        for act in tuple(self.finishing):
            act()
        for optimizer in rest:
            optimizer.step() if self.scaler is None else self.scaler.step(optimizer)
        if self.scaler is not None:
            self.scaler.update()
        for optimizer in rest:
            optimizer.zero_grad()

    # -- what is changed -------------------------------------------------------------------------

    def divide_roots(self, roots: Any) -> Any:
        """Divides what backward() is called on, so that the window's sum becomes a mean."""
        self.batch_used = True
        self.finishing.clear()
        parts = 1.0
        for known in self.windows.all():
            self.ranks.agree_on_reference(known, self.targets)
            parts = known.add(self.targets)
        return divided(roots, parts, self.stage.hub)

    def let_step(self, optimizer: Any) -> bool:
        """Says whether an optimizer that wants to step may: once its window is full."""
        mine = self.windows.of(optimizer)
        if mine is None or not mine.passes:  # no gradients, or those of the step's closure
            return True
        if mine.out_of_turn:
            self.stage.refuse(self.name, "the script's optimizers take turns")
        for known in self.windows.all():
            known.one_steps()
        batches = mine.steps
        ready = mine.ready(self.ranks.agree)
        self.stage.hub.emit("gathered", batches if ready else 1)
        return ready

    def unless_filling(self, instead: Callable[..., Any], original: Any) -> Any:
        """Wraps what needs finished gradients: put off, and repeated if the loader ends first."""

        def held(*args: Any, **kwargs: Any) -> Any:
            args = tuple(list(a) if isinstance(a, Iterator) else a for a in args)
            kwargs = {k: list(a) if isinstance(a, Iterator) else a for k, a in kwargs.items()}
            if any(known.filling for known in self.windows.all()):
                self.finishing.append(lambda: held(*args, **kwargs))
                return instead(*args, **kwargs)
            for known in self.windows.all():
                known.average(self.ranks.agree)
            return original(*args, **kwargs)

        return held

    def unless_pending(self, original: Any) -> Any:
        """Wraps what ends an iteration: left out while gradients are being gathered."""
        from torch.amp import grad_scaler

        def held(owner: Any, *args: Any, **kwargs: Any) -> Any:
            mine = self.windows.of(owner)
            if mine is None and isinstance(owner, grad_scaler.GradScaler) and owner.is_enabled():
                self.scaler = owner
            if self.windows.pending if mine is None else mine.pending:
                return None
            if mine is not None:
                mine.begin()
            return original(owner, *args, **kwargs)

        return held
