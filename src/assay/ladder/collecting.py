"""Stores the first batches of a run, and what the optimizer was as they came."""

from __future__ import annotations

import copy
from collections import defaultdict
from typing import Any, ClassVar

import torch

from ..replay.asking import Call
from ..replay.replays import Replays
from ..replay.structure import NotReplayable, size
from ..replay.tape import Kept
from ..watching.probe import Probe
from .stored import Stored, Weights

BYTES_AT_MOST = 64 * 2**20
"""Of copies of batches; weights come on top, three times: at first, as they were later, and those
that are trained on trial."""
RATES_AT_MOST = 4096


class Collecting(Probe):
    """Stores batches of the first iterations on their tapes, until 64 MiB are full.

    What a rung asks is here: `batches` in their order, `weights` as they were before the first
    step, `optimizer` as it was then, with its state, `rates` by step and group, and `reached`: the
    weights after so many steps of the script's own.
    """

    name = "ladder"
    always: ClassVar = ("step_begin", "step_end", "step_skipped", "scaled", "clip")
    sampled: ClassVar = ("backward_begin",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._replays: Replays = watch.shared(Replays)
        self.weights = Weights()
        self.batches: list[Stored] = []
        self.why: str | None = None
        """Why the last batch that was seen could not be stored."""
        self.optimizer: Any = None
        self.others = 0
        """Optimizers beside the first that have stepped."""
        self.clip: tuple[str, float, set[int]] | None = None
        """How gradients were clipped first: by `norm` or by `value`, the limit, and of which."""
        self.rates: list[list[float]] = []
        self.steps = self.skipped = 0
        self.passes = self.looked_at = 0
        """Backward passes, and steps, of iterations that were looked at."""
        self.reached: tuple[int, dict[int, torch.Tensor]] | None = None
        self._passes = 0  # in closures too: a framework's makes one batch's gradient, once a step
        self._met: list[Any] = []
        self._held = 0
        self._kept: Kept = {}
        self._full = False
        self._original: tuple[Any, Any] | None = None

    def on_scaled(self, original: Any, scaled: Any) -> None:
        """A loss is scaled: the one before is the script's."""
        self._original = original, scaled

    def on_clip(self, kind: str, limit: Any, parameters: Any, total: Any) -> None:
        """Gradients are clipped."""
        if self.clip is None and float(limit) > 0:
            self.clip = kind, float(limit), {id(p) for p in parameters}

    def on_backward_begin(self, roots: Any, kept: bool) -> None:
        """Stores the batch of this iteration."""
        self.passes += not self.watch.in_closure
        self._passes += 1
        replays = self._replays
        here = self.watch.iteration
        later = here >= self.watch.opening  # the script may have changed what it trains, or on what
        if self._full or later or (self.batches and self.batches[-1].iteration == here):
            return
        try:
            tape = replays.tape
            if not self.batches:
                replays.verify()
            scored = replays.scored[0] if len(replays.scored) == 1 else None
            loss = replays.loss_number
            if self._original is not None and self._original[1] is roots:
                known = tape.slot(self._original[0])
                loss = loss if known is None else known
            self.weights.learn(tape.weights().values())
            calls = replays.calls
            one = calls[0] if len(calls) == 1 else None
            stored = Stored(tape, loss, scored, one, self.watch.iteration)
        except NotReplayable as why:
            self.why = str(why)
            return
        before = {id(entry[2]) for entry in self._kept.values()}
        self._kept = tape.keep(self._kept)
        new = (entry[2] for entry in self._kept.values() if id(entry[2]) not in before)
        self._held += size(list(new))
        if self.batches and self._held > BYTES_AT_MOST:
            self._full, self._kept = True, {}
            return
        try:
            stored.value = replays.undisturbed(lambda: stored.compute()[1])
        except NotReplayable as why:
            self.why = str(why)
            return
        self.batches.append(stored)

    def on_step_begin(self, optimizer: Any, has_closure: bool) -> None:
        """Notes what the optimizer is, before its first step, and its rates."""
        if optimizer not in self._met:
            self._met.append(optimizer)
            if self.optimizer is None:
                self.optimizer = Remembered(optimizer)
            else:
                self.others += 1
        if self._met[0] is optimizer and len(self.rates) < RATES_AT_MOST:
            self.rates.append([float(group.get("lr") or 0.0) for group in optimizer.param_groups])

    def on_step_end(self, optimizer: Any) -> None:
        """Keeps the weights after 8, 16, 32, ... steps, while batches are stored without a gap."""
        self._original = None
        if not self._met or self._met[0] is not optimizer:
            return
        self.steps += 1
        self.looked_at += self.watch.sampling
        whole = len(self.batches) == self.steps == self._passes
        if whole and self.steps >= 8 and self.steps & (self.steps - 1) == 0:
            self.reached = self.steps, self.weights.now()

    def on_step_skipped(self, optimizer: Any) -> None:
        """A scaler has found gradients that are not finite."""
        self._original = None
        self.skipped += 1

    @property
    def learnt(self) -> float | None:
        """The loss over that of a constant, as the later half of the batches were first computed.

        None where a constant's is not known.
        """
        late = self.batches[len(self.batches) // 2 :]
        known = [(one.value, one.level[0]) for one in late if one.level and one.level[0] > 0]
        total = sum(level for _, level in known)
        return sum(value for value, _ in known) / total if known else None

    @property
    def call(self) -> Call | None:
        """The last call that was stored; None where the model is called several times a step."""
        return self.batches[-1].call if self.batches else None


class Remembered:
    """An optimizer as it was before its first step, to be made again around other weights."""

    def __init__(self, optimizer: Any) -> None:
        self.kind = type(optimizer).__name__
        self.is_torchs = type(optimizer).__module__.split(".")[0] == "torch"
        self.groups = [
            {**group, "params": [id(p) for p in group["params"]]}
            for group in optimizer.param_groups
        ]
        self._optimizer = optimizer
        self._state = {id(p): _cloned(state) for p, state in optimizer.state.items()}

    def holds(self, key: int) -> bool:
        """Whether it steps these weights."""
        return any(key in group["params"] for group in self.groups)

    def make(self, weights: dict[int, torch.Tensor]) -> Any:
        """Returns one of the same kind and settings around copies, by identity of the live ones."""
        made = copy.copy(self._optimizer)  # class and defaults; the rest is set here
        made.param_groups = [
            {**group, "params": [weights[key] for key in group["params"] if key in weights]}
            for group in self.groups
        ]
        made.state = defaultdict(dict)
        if self.kind == "LBFGS":  # what its constructor sets, and a copy lacks
            made._params, made._numel_cache = made.param_groups[0]["params"], None
        for key, state in self._state.items():
            if key in weights:
                made.state[weights[key]] = _cloned(state)
        return made


def _cloned(state: Any) -> Any:
    if isinstance(state, torch.Tensor):
        return state.detach().clone()
    if isinstance(state, dict):
        return {name: _cloned(part) for name, part in state.items()}
    return copy.copy(state) if isinstance(state, list) else state
