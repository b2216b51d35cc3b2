"""Probe: what can be compared between ranks. Nothing is sent: the reader compares."""

from __future__ import annotations

import weakref
from collections import Counter
from typing import Any, ClassVar
from zlib import crc32

import torch

from ...seams.callsite import user_site
from ...seams.recording import is_plain
from ...watching.measures import fingerprints, stored
from ...watching.probe import Probe
from ...watching.subsample import subsample

OPTIMIZERS_AT_MOST = 16
NAMES_AT_MOST = 200
STATES = 1 << 20
"""Numbers for states: the journal holds seven digits."""


class Ranks(Probe):
    """Signals of each sampled step of a process that trains with others, at place "".

    `grad_fingerprint`, equal for equal gradients; `grad_sum`, a weighted sum of the gradient as the
    optimizer uses it, and `local_grad_sum` of what the last backward pass left. A sum is linear: of
    an average over ranks it is the average of theirs. `reduced_passes`: calls of the wrapper whose
    gradients it averages. `random_state` and `random_state_after`: numbers for the state of torch's
    generators before the first call of a model, and as its backward pass ends. Events
    `replicated`, `bypassed` and `unreduced`.
    """

    name = "ranks"
    always: ClassVar = ("optimizer_created", "replicated")
    sampled: ClassVar = ("root_begin", "backward_end", "gradients_ready")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._optimizers: list[weakref.ref[Any]] = []
        self._wrappers: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
        self._told: set[int] = set()
        self._unreduced: set[int] = set()
        self._left: dict[int, torch.Tensor] = {}
        self.iteration_begins()

    def iteration_begins(self) -> None:
        """Forgets the calls of an earlier iteration."""
        self._called: set[int] = set()
        self._reduced: Counter[int] = Counter()
        self._past: dict[int, Any] = {}
        self._passed = self._begun = False
        self._left.clear()

    def on_optimizer_created(self, optimizer: Any) -> None:
        """Notes whose gradients are to be measured."""
        self._optimizers = [ref for ref in self._optimizers if ref() is not None]
        if len(self._optimizers) < OPTIMIZERS_AT_MOST:
            self._optimizers.append(weakref.ref(optimizer))

    def on_replicated(self, wrapper: Any) -> None:
        """Remembers the line that built it."""
        self._wrappers[wrapper] = user_site(2)

    def on_root_begin(self, module: Any, args: Any, kwargs: Any) -> None:
        """Notes whether a wrapper is called, or the model inside one."""
        if not self._begun and module.training and world_size() > 1:
            self._begun = True
            self.watch.put("random_state", "", random_state())
        if module in self._wrappers:
            if self._passed:
                self._look_for_unused(module)
            self._called.add(id(module))
            self._reduced[id(module)] += bool(module.require_backward_grad_sync)
            return
        for wrapper in list(self._wrappers):
            if wrapper.module is module and module.training:
                self._past.setdefault(id(wrapper), user_site(2))

    def on_backward_end(self, roots: Any) -> None:
        """Sums the gradients as this pass left them; the last pass before the step counts."""
        self._passed = True
        if world_size() < 2:
            return
        if self._begun:
            self.watch.put("random_state_after", "", random_state())
        for ref in self._optimizers:
            optimizer = ref()
            if optimizer is not None:
                total = weighted_sum([g for _, g in _gradients(optimizer)])
                if total is not None:
                    self._left[id(optimizer)] = total

    def on_gradients_ready(self, optimizer: Any) -> None:
        """Writes what the step is given, and who keeps its weights alike."""
        world = world_size()
        if world < 2:
            return
        watch, named = self.watch, _gradients(optimizer)
        for name, print_ in fingerprints(named, each=False).items():
            watch.put("grad_fingerprint", name, print_)
        total, left = weighted_sum([g for _, g in named]), self._left.get(id(optimizer))
        if total is not None:
            watch.put("grad_sum", "", total)
        if left is not None:
            watch.put("local_grad_sum", "", left)
        held = {id(p) for group in optimizer.param_groups for p in group["params"]}
        for wrapper, site in list(self._wrappers.items()):
            self._look_for_unused(wrapper)
            if any(id(p) in held for p in wrapper.module.parameters()):
                self._tell(optimizer, wrapper, site)

    def _look_for_unused(self, wrapper: Any) -> None:
        """Writes which gradients a wrapper still waits for, where its next call will fail of it."""
        exempt = wrapper.find_unused_parameters or wrapper.static_graph
        if exempt or not self._reduced[id(wrapper)] or id(wrapper) in self._unreduced:
            return
        trained = [
            (name, p)
            for name, p in wrapper.module.named_parameters()
            if p.requires_grad and name not in wrapper.parameters_to_ignore
        ]
        missing = [name for name, p in trained if p.grad is None]
        if missing:
            self._unreduced.add(id(wrapper))
            site = self._wrappers[wrapper]
            self.watch.event(
                "unreduced", names=missing[:NAMES_AT_MOST], count=len(missing), of=len(trained),
                cls=type(wrapper.module).__name__, built=None if site is None else list(site),
            )  # fmt: skip

    def _tell(self, optimizer: Any, wrapper: Any, site: Any) -> None:
        training = self.watch.training(optimizer)
        if id(wrapper) in self._called:
            self.watch.put("reduced_passes", "", float(self._reduced[id(wrapper)]))
        if id(wrapper) not in self._told:
            self._told.add(id(wrapper))
            hooks = getattr(wrapper, "_comm_hooks", None)
            self.watch.event(
                "replicated", training, cls=type(wrapper.module).__name__,
                world=torch.distributed.get_world_size(wrapper.process_group),
                hook=getattr(hooks[0][0], "__name__", "a hook") if hooks else None,
                built=None if site is None else list(site),
                joined=bool(getattr(getattr(wrapper, "_join_config", None), "enable", False)),
            )  # fmt: skip
        past = self._past.get(id(wrapper))
        if past is not None and id(wrapper) not in self._called:
            self.watch.line(
                "event", e="bypassed", i=self.watch.iteration, s=training.step, o=training.index,
                site=list(past), data={"cls": type(wrapper.module).__name__},
            )  # fmt: skip


def world_size() -> int:
    """Returns how many processes are in the default group; 1 where there is none."""
    distributed = torch.distributed
    if not distributed.is_available() or not distributed.is_initialized():
        return 1
    return distributed.get_world_size()


def random_state() -> float:
    """Returns a number for the state of torch's own generators, which draws nothing."""
    state = torch.get_rng_state().tolist()
    if torch.cuda._initialized and not torch.cuda.is_current_stream_capturing():
        state += torch.cuda.get_rng_state().tolist()
    return float(crc32(bytes(state)) % STATES)


def weighted_sum(gradients: list[torch.Tensor]) -> torch.Tensor | None:
    """Returns the sum of some elements, each by a weight that depends on its place alone.

    With equal weights the parts of a softmax's gradient would cancel to nothing. None where a
    gradient has no numbers of its own (a shard), or the device has no float64.
    """
    plain = all(is_plain(g) and g.device.type in ("cpu", "cuda") for g in gradients)
    if not gradients or not plain:
        return None
    device, total = gradients[0].device, None
    for gradient in gradients:
        part = subsample(gradient.detach()).to(torch.float64)
        weights = torch.arange(1, part.numel() + 1, dtype=torch.float64, device=part.device).cos_()
        one = (part * weights).sum().to(device)
        total = one if total is None else total + one
    return total


def _gradients(optimizer: Any) -> list[tuple[str, torch.Tensor]]:
    """Returns the gradients of an optimizer, each by a number of its own."""
    found = [
        stored(p.grad)
        for group in optimizer.param_groups
        for p in group["params"]
        if p.grad is not None
    ]
    return [(str(number), gradient) for number, gradient in enumerate(found) if gradient.numel()]
