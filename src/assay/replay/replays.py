"""The service that computes the loss or the output of an iteration again, for all probes."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, ClassVar

import torch

from ..seams.recording import special_mode
from ..watching.probe import Probe
from .structure import NotReplayable, Path, Result, leaves, quietly, undisturbed
from .tape import Tape

SAME_LOSS = 1e-3
"""Relative difference up to which the first replay must repeat the recorded loss: kernels of CUDA
may add in another order."""


class Root:
    """One call of an outermost module: with what, and which tensors came back."""

    def __init__(self, module: torch.nn.Module, args: Any, kwargs: Any) -> None:
        self.module, self.args, self.kwargs = module, args, kwargs
        self.result: dict[Path, int] = {}
        self.ended_at = 0


class Replays(Probe):
    """Records each sampled iteration once, for all probes that want to compute it again.

    The recording is a `Tape` from the first call of a model to the backward pass, whatever the
    script does in between: several models, several losses, arithmetic, a model that returns its
    loss. Clients ask `why_not`, then `loss`; both raise or say nothing but `NotReplayable`.
    """

    name = "replay"
    always: ClassVar = ("compile",)
    sampled: ClassVar = ("root_begin", "root_end", "backward_begin", "grad_begin", "step_end",
                         "step_skipped")  # fmt: skip

    def __init__(self, watch: Any) -> None:
        self._verified: list[weakref.ref[torch.nn.Module]] = []
        self._tape: Tape | None = None
        super().__init__(watch)
        self.iteration_begins()

    # -- recording --------------------------------------------------------------------------------

    def iteration_begins(self) -> None:
        """Drops what an earlier iteration left."""
        self._stop()
        self._tape = None
        self._why: str | None = None
        self._roots: list[Root] = []
        self._ended = False
        self._loss_slot = -1
        self._loss: torch.Tensor | None = None

    def _stop(self) -> None:
        self._ended = True
        tape = self._tape
        if tape is not None and self.watch.recording is tape:
            tape.stop()
            self.watch.recording = None
            self.watch.unlisten("values_read", tape.values_read)
            self.watch.spent(tape.seconds)

    def _give_up(self, why: str) -> None:
        self._why = self._why or why
        self._stop()
        self._tape, self._roots, self._loss = None, [], None

    def on_compile(self, target: Any) -> None:
        """Compiled code is computed in one piece, which is not to be seen into."""
        self._give_up("compiled")

    def on_root_begin(self, module: Any, args: Any, kwargs: Any) -> None:
        """Begins to record with the first model that is called."""
        if next(module.parameters(), None) is None or self._ended:
            return  # a loss or an augmentation is no model
        if self._tape is None:
            why = special_mode() or ("compiled" if self.watch.compiled else None)
            if self.watch.in_closure:
                why = why or "the optimizer takes a closure"
            if why is not None:
                self._give_up(why)
                return
            self._tape = self.watch.recording = Tape()
            self._tape.start()
            self.watch.listen("values_read", self._tape.values_read)
        self._roots.append(Root(module, args, kwargs))

    def on_root_end(self, module: Any, result: Any) -> None:
        """Notes which tensors a model gave back."""
        if self._tape is None or self._ended or not self._roots:
            return
        root = self._roots[-1]
        if root.module is module:
            root.ended_at = self._tape.length
            for path, value in leaves(result):
                slot = self._tape.slot(value)
                if slot is not None:
                    root.result[path] = slot

    def on_grad_begin(self, outputs: Any, inputs: Any) -> None:
        """Gives up: what a gradient that is part of the loss computes is not recorded."""
        if self._tape is not None and not self._ended:
            self._give_up("the script takes gradients on its way to the loss")

    def on_backward_begin(self, roots: Any, kept: bool) -> None:
        """Ends the recording, with the loss."""
        if self._ended:
            return
        self._stop()
        if self._tape is None:
            return
        loss = roots[0] if isinstance(roots, (tuple, list)) and len(roots) == 1 else roots
        slot = self._tape.slot(loss)
        if not isinstance(loss, torch.Tensor) or loss.numel() != 1:
            self._give_up("backward is not called on one scalar loss")
        elif self._tape.why is not None:
            self._give_up(self._tape.why)
        elif slot is None:
            self._give_up("the loss is not computed from what a model returned")
        else:
            self._loss_slot, self._loss = slot, loss.detach().reshape(())

    def on_step_end(self, optimizer: Any) -> None:
        """Lets go of the batch."""
        self._ended = True
        self._give_up("the iteration is over")

    def on_step_skipped(self, optimizer: Any) -> None:
        """Lets go of the batch."""
        self.on_step_end(optimizer)

    def finish(self) -> None:
        """Drops what is held."""
        self.iteration_begins()

    # -- asking -----------------------------------------------------------------------------------

    @property
    def why_not(self) -> str | None:
        """Why the loss of this iteration can't be computed again; None if it can."""
        if self._why is not None:
            return self._why
        return None if self._loss is not None else "no model with weights was called"

    def number(self, tensor: torch.Tensor) -> int | None:
        """Returns by which number a recorded tensor can be asked for, without keeping it alive."""
        return self._tape.slot(tensor) if self._tape is not None else None

    def loss(self, of: int | None = None) -> torch.Tensor:
        """Returns the loss on the recorded batch, with the weights as they are now.

        Args:
            of: number of a tensor that was computed on the way, instead of that of the one that
                backward began with.

        Raises:
            NotReplayable: why it can't be computed.
        """
        tape = self._tape
        if tape is None or self._loss is None:
            raise NotReplayable(self.why_not or "")
        wanted = self._loss_slot if of is None else of
        return self._compute(lambda: tape.play([wanted])[0].detach().reshape(()).clone())

    def verify(self, expected: torch.Tensor, of: int | None = None) -> None:
        """Proves once per model, before the weights move, that the loss is found again.

        Raises:
            NotReplayable: it is another one.
        """
        models = [root.module for root in self._roots]
        if all(any(known() is model for known in self._verified) for model in models):
            return
        found, before = float(self.loss(of)), float(expected)
        if found == before or abs(found - before) <= SAME_LOSS * abs(before):
            self._verified = [known for known in self._verified if known() is not None][-64:]
            self._verified += [weakref.ref(model) for model in models]
        elif before == before:
            self._give_up(f"evaluating the batch again gave {found:.6g} and not {before:.6g}")
            raise NotReplayable(self.why_not or "")

    def _compute(self, work: Callable[[], Result]) -> Result:
        try:
            with self.watch.silence(), undisturbed():
                return quietly(work)
        except NotReplayable as error:
            self._give_up(str(error))
        except Exception as error:
            says = (str(error).splitlines() or [""])[0][:200]
            self._give_up(f"computing it again failed ({type(error).__name__}: {says})")
        raise NotReplayable(self._why or "")
