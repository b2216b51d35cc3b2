"""The service that computes the loss or the output of an iteration again, for all probes."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar

import torch

from ..seams.arguments import bind
from ..seams.recording import special_mode
from ..watching.probe import Probe
from .asking import SAME, Call, Inputs, Mode, Proofs, Same
from .evaluations import AwaitedEvaluation
from .lines import Lines
from .scored import SCORED_AT_MOST, Scored, scored
from .structure import (
    NotReplayable,
    Path,
    Result,
    follow,
    leaves,
    quietly,
    random_state,
    same_bits,
    same_random_state,
    size,
    tensors,
    undisturbed,
)
from .tape import BYTES_AT_MOST, Tape

SAME_LOSS = 1e-3
"""Relative difference up to which the first replay must repeat the recorded loss: kernels of CUDA
may add in another order."""


class Replays(Probe):
    """Records each sampled iteration once, for all probes that want to compute it again.

    There are two ways, and a request takes the first that can answer it.

    *The tape* holds what torch computed from the first call of a model to the backward pass,
    whatever the script does in between: several models, several losses, arithmetic, a model that
    returns its loss. It answers for the same batch, and for other values of the same shapes.

    *A twin* of the model is called anew, where another mode or another size is asked for. That runs
    the script's code, so a proof must show first that nobody will notice (`purity`), and the first
    call must give the recorded output to the last bit.

    A probe asks while the weights are what they were (in `backward_end`), or after the step for
    what the step has done. Whatever it asks, generators, buffers, modes, gradients and mixed
    precision are as before. While a forward pass of an evaluation is measured, `evaluating` is
    True, and the answers are about that one.
    """

    name = "replay"
    always: ClassVar = ("compile",)
    sampled: ClassVar = ("root_begin", "root_end", "loss", "backward_begin", "grad_begin",
                         "step_end", "step_skipped")  # fmt: skip

    def __init__(self, watch: Any) -> None:
        self._verified: list[weakref.ref[torch.nn.Module]] = []
        self._proofs = Proofs()
        self._tape: Tape | None = None
        self._asked, self._asked_s = 0, 0.0
        super().__init__(watch)
        self._awaited = AwaitedEvaluation(watch)
        self.heard: list[Callable[[Any, Any, Any], None]] = []
        """Are told of each operation as it is recorded: function, arguments and result."""
        self.iteration_begins()

    # -- recording --------------------------------------------------------------------------------

    def iteration_begins(self) -> None:
        """Drops what an earlier iteration left."""
        self._stop()
        self._tape = None
        self._why: str | None = None
        self.lines = Lines()
        self._calls: list[Call] = []
        self._about: Call | None = None
        self._targets: list[int] = []
        self._lengths: set[int] = set()
        self.scored: list[Scored] = []
        """Calls of loss functions so far."""
        self._ended = False
        self._loss_number = -1
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
        self._tape, self._calls, self._loss = None, [], None

    def on_compile(self, target: Any) -> None:
        """Gives up: compiled code is computed in one piece, which is not to be seen into."""
        self._give_up("compiled")

    def on_root_begin(self, module: Any, args: Any, kwargs: Any) -> None:
        """Begins to record with the first model that is called."""
        if next(module.parameters(), None) is None or self._ended:
            return  # a loss or an augmentation is no model
        if self._tape is None:
            if not self.watch.is_thorough:
                self._give_up("this sample is not a thorough one")
                return
            why = special_mode() or ("compiled" if self.watch.compiled else None)
            if why is not None:
                self._give_up(why)
                return
            self._tape = self.watch.recording = Tape(
                size(tensors((args, kwargs))), self.lines, self.heard
            )
            self._tape.start()
            self.watch.listen("values_read", self._tape.values_read)
        self._calls.append(Call(self.watch.aside, module, args, kwargs))

    def on_root_end(self, module: Any, result: Any) -> None:
        """Notes which tensors a model gave back."""
        if self._tape is None or self._ended or not self._calls:
            return
        call = self._calls[-1]
        if call.module is module:
            call.ended_at = self._tape.length
            for path, value in leaves(result):
                number = self._tape.slot(value)
                if number is not None:
                    call.result[path] = number

    def on_loss(self, name: str, function: Any, args: Any, kwargs: Any, result: Any) -> None:
        """Notes what a loss function of torch takes for the targets."""
        if self._tape is not None and not self._ended:
            call = bind(function, args, kwargs)
            target = call.get("target")
            if isinstance(target, torch.Tensor) and target.dim():
                self._lengths.add(len(target))
            number = self._tape.slot(target)
            if (made := scored(self._tape, name, call)) and len(self.scored) < SCORED_AT_MOST:
                self.scored.append(made)
            if number in self._tape.given and number not in self._targets:
                self._targets.append(number)

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
        number = self._tape.slot(loss)
        if not isinstance(loss, torch.Tensor) or loss.numel() != 1:
            self._give_up("backward is not called on one scalar loss")
        elif self._tape.why is not None:
            self._give_up(self._tape.why)
        elif number is None:
            self._give_up("the loss is not computed from what a model returned")
        else:
            self._loss_number, self._loss = number, loss.detach().reshape(())

    def on_step_end(self, optimizer: Any) -> None:
        """Lets go of the batch."""
        self._give_up("the iteration is over")

    def on_step_skipped(self, optimizer: Any) -> None:
        """Lets go of the batch."""
        self.on_step_end(optimizer)

    def finish(self) -> None:
        """Drops what is held."""
        self._awaited.forget()
        self.iteration_begins()
        if self._asked:
            self.watch.line(
                "asked", times=self._asked, own_s=round(self._asked_s, 6), copies=BYTES_AT_MOST
            )

    def await_evaluation(self, measure: Callable[[], None]) -> None:
        """Has `measure` called right after the next forward pass that is made with gradients off.

        Only passes of models that are trained here count: a teacher is not what is evaluated.
        """
        self._awaited.wait(measure)

    # -- asking -----------------------------------------------------------------------------------

    @property
    def ended(self) -> bool:
        """Whether no more of this iteration is recorded."""
        return self._ended

    @property
    def evaluating(self) -> bool:
        """Whether the answers are about a forward pass that the script made with gradients off."""
        return self._awaited.call is not None

    @property
    def why_not(self) -> str | None:
        """Why the loss of this iteration can't be computed again; None if it can."""
        if self.evaluating:
            return "no loss is recorded of an evaluation"
        if self._why is not None:
            return self._why
        if self._loss is not None:
            return None
        return "compiled" if self.watch.compiled else "no model with weights was called"

    @property
    def call(self) -> Call:
        """The call of the model; NotReplayable where none was recorded, or several models'."""
        if self._awaited.call is not None:
            return self._awaited.call
        if self._about is not None:
            return self._about
        if not self._calls:
            raise NotReplayable(self.why_not or "no model with weights was called")
        if any(call.module is not self._calls[0].module for call in self._calls):
            raise NotReplayable("several models are called in one step")
        return self._calls[0]

    @contextmanager
    def about(self, call: Call) -> Iterator[None]:
        """Answers for one of several models' calls; what it was given counts as its data."""
        self._about = call
        try:
            yield
        finally:
            self._about = None

    @property
    def inputs(self) -> dict[Path, torch.Tensor]:
        """The tensors that the model was given, by path: `(0, i)` by position, `(1, name)`."""
        return dict(self.call.inputs)

    @property
    def targets(self) -> list[torch.Tensor]:
        """The tensors that loss functions of torch took for targets, as the script gave them."""
        return [self._tape.given[n] for n in self._targets] if self._tape is not None else []

    @property
    def room(self) -> int:
        """Bytes of results that a question may keep to compare them."""
        return self._tape.room if self._tape is not None else BYTES_AT_MOST

    def charge(self, seconds: float) -> None:
        """Notes that a probe has asked, and how long it took."""
        self._asked += 1
        self._asked_s += seconds

    @property
    def samples(self) -> int | None:
        """How many targets loss functions of torch were given; None for none or several numbers."""
        return next(iter(self._lengths)) if len(self._lengths) == 1 else None

    @property
    def calls(self) -> Sequence[Call]:
        """The calls of models that were recorded."""
        return self._calls

    @property
    def tape(self) -> Tape:
        """What was recorded, up to the loss; NotReplayable where it was not."""
        if self._tape is None or self._loss is None:
            raise NotReplayable(self.why_not or "")
        return self._tape

    @property
    def loss_number(self) -> int:
        """The number of the loss on the tape."""
        return self._loss_number

    def undisturbed(self, work: Callable[[], Result]) -> Result:
        """Returns what `work` computes, with all state as it was; an error is NotReplayable."""
        return self._compute(work)

    @property
    def recorded(self) -> torch.Tensor | None:
        """The loss that the script computed, without its graph; None where there is none."""
        return self._loss

    def number(self, tensor: torch.Tensor) -> int | None:
        """Returns by which number a recorded tensor can be asked for, without keeping it alive."""
        return self._tape.slot(tensor) if self._tape is not None else None

    def loss(
        self,
        *,
        inputs: Inputs = SAME,
        targets: Sequence[torch.Tensor] | Same = SAME,
        mode: Mode = SAME,
        grad: bool = False,
        of: int | None = None,
    ) -> torch.Tensor:
        """Returns the loss with the weights as they are now, and with what else is changed.

        Args:
            inputs: other tensors for the model, by path, or one for the first.
            targets: other tensors for `self.targets`, in their order.
            mode: whether modules are to be in training mode; `SAME` is each as it was.
            grad: whether the result has a graph, up to `inputs` that require a gradient and to
                weights, which the graph has as leaves of its own.
            of: number of a tensor that was computed on the way, instead of that of the loss.

        Raises:
            NotReplayable: why it can't be computed.
        """
        tape = self._tape
        if tape is None or self._loss is None:
            raise NotReplayable(self.why_not or "")
        wanted = self._loss_number if of is None else of
        replaced: dict[int, torch.Tensor] = {}
        if not isinstance(targets, Same):
            if len(targets) != len(self._targets):
                raise NotReplayable("it is not known which tensors are the targets")
            replaced = dict(zip(self._targets, targets, strict=True))
        if isinstance(inputs, Same) and isinstance(mode, Same):
            known = replaced
            first = 0
        elif isinstance(mode, Same) and self._tape_answers(inputs):
            known, first = {**replaced, **self._on_tape(inputs)}, 0
        else:
            if len(self._calls) > 1:
                raise NotReplayable("the model is called several times in one step")
            answer = self._answer(inputs, mode, grad=grad)
            made = {number: answer[path] for path, number in self.call.result.items()}
            known, first = {**replaced, **made}, self.call.ended_at
        return self._compute(
            lambda: tape.play([wanted], known, grad=grad, first=first)[0].reshape(())
        )

    def output(
        self,
        *,
        inputs: Inputs = SAME,
        mode: Mode = SAME,
        grad: bool = False,
        within: AbstractContextManager[Any] | None = None,
    ) -> list[torch.Tensor]:
        """Returns the tensors that the model answers with, in order; see `loss`.

        Args:
            inputs: as for `loss`.
            mode: as for `loss`.
            grad: as for `loss`.
            within: a context in which the model is called once more, such as a mode that looks at
                its operations; the tape has no calls to look at.

        Raises:
            NotReplayable: why it can't be computed.
        """
        if within is None:
            return list(self._answer(inputs, mode, grad=grad).values())
        call = self._callable()
        made = self._compute(lambda: call.ask(inputs, mode, grad=grad, within=within))
        return [follow(made, path) for path in call.result]

    def is_deterministic(self, *, mode: Mode = SAME) -> bool:
        """Returns whether a call of the model in this mode draws no random number.

        Raises:
            NotReplayable: why it can't be called.
        """
        call = self._callable()

        def ask() -> bool:
            call.ask(SAME, mode)
            return same_random_state(call.random, random_state())

        return self._compute(ask)

    def _callable(self) -> Call:
        """Returns the call of the model, which has proved that it can be made once more."""
        call = self.call
        if (why := self._why_no_twin(call)) is not None:
            raise NotReplayable(f"the model can't be called once more: {why}")
        self._prove(call)
        return call

    def _answer(self, inputs: Inputs, mode: Mode, *, grad: bool) -> dict[Path, torch.Tensor]:
        call, tape = self.call, self._tape
        if not call.result:
            raise NotReplayable("the model returns no tensor")
        why = self._why_no_twin(call)
        if why is None:
            self._prove(call)
            made = self._compute(lambda: call.ask(inputs, mode, grad=grad))
            return {path: follow(made, path) for path in call.result}
        if tape is None or not isinstance(mode, Same) or not self._tape_answers(inputs):
            raise NotReplayable(f"the model can't be called once more: {why}")
        known, numbers = self._on_tape(inputs), list(call.result.values())
        values = self._compute(lambda: tape.play(numbers, known, grad=grad))
        return dict(zip(call.result, values, strict=True))

    def _why_no_twin(self, call: Call) -> str | None:
        why = special_mode() or ("compiled" if self.watch.compiled else None)
        return why or self._proofs.why_not(call.module)

    def _tape_answers(self, inputs: Inputs) -> bool:
        changed = self.call.changed(inputs) if not isinstance(inputs, Same) else {}
        return all(
            new.shape == self.call.inputs[path].shape and new.dtype == self.call.inputs[path].dtype
            for path, new in changed.items()
        )

    def _on_tape(self, inputs: Inputs) -> dict[int, torch.Tensor]:
        """Returns by number what takes the place of inputs; one that was never used has none."""
        found = {}
        for path, new in self.call.changed(inputs).items():
            number = self.number(self.call.inputs[path])
            if number is not None:
                found[number] = new
        return found

    # -- proving ----------------------------------------------------------------------------------

    def verify(self, expected: torch.Tensor | None = None, of: int | None = None) -> None:
        """Proves once per model, before the weights move, that the loss is found again.

        Args:
            expected: what was found, instead of the loss.
            of: its number.

        Raises:
            NotReplayable: it is another one.
        """
        expected = self._loss if expected is None else expected
        models = [call.module for call in self._calls]
        if all(any(known() is model for known in self._verified) for model in models):
            return
        found, before = float(self.loss(of=of)), float(expected if expected is not None else 0)
        if found == before or abs(found - before) <= SAME_LOSS * abs(before):
            self._verified = [known for known in self._verified if known() is not None][-64:]
            self._verified += [weakref.ref(model) for model in models]
        elif before == before:
            self._give_up(f"evaluating the batch again gave {found:.6g} and not {before:.6g}")
            raise NotReplayable(self.why_not or "")

    def _prove(self, call: Call) -> None:
        if self._proofs.seen(call.module):
            return
        found = self._compute(call.ask)
        if not self.evaluating:
            tape, numbers = self._tape, list(call.result.values())
            if tape is None:
                raise NotReplayable(self.why_not or "")
            expected = self._compute(lambda: tape.play(numbers))
        else:
            expected = [follow(self._awaited.answer, path) for path in call.result]
        for path, one in zip(call.result, expected, strict=True):
            if not same_bits(follow(found, path), one):
                raise NotReplayable("the model called once more gave another output")
        self._proofs.note(call.module)

    def _compute(self, work: Callable[[], Result]) -> Result:
        try:
            with self.watch.silence(), undisturbed():
                return quietly(work)
        except NotReplayable:
            raise
        except Exception as error:
            says = (str(error).splitlines() or [""])[0][:200]
            why = f"computing it again failed ({type(error).__name__}: {says})"
            raise NotReplayable(why) from None
