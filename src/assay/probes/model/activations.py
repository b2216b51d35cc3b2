"""Probe: what flows out of modules and activation functions in a sampled iteration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import torch

from ...seams.callsite import is_user_file, place_at, user_site
from ...watching.measures import moments, nonfinite_share, zero_share
from ...watching.probe import Probe
from ...watching.subsample import subsample

UNITS_AT_MOST = 1 << 20
ZERO_SIDED = ("relu", "relu6")
BOUNDED = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "hardsigmoid": (0.0, 1.0)}

SATURATED_WITHIN = 0.01
"""An output this close to its bound, as a share of the range, counts as saturated: there the slope
of a sigmoid or tanh is below 4 % of its largest (sigma' = s(1-s) = 0.0099 against 0.25)."""

BACK_AT_MOST = 16
"""Operations looked through between a layer's input and the activation that it came from."""

DEAD_AFTER = 16
"""Sampled iterations in a row without one positive output, after which a unit counts as dead."""


def _single(value: Any) -> torch.Tensor | None:
    if isinstance(value, (tuple, list)) and value:
        value = value[0]
    if isinstance(value, torch.Tensor) and value.is_floating_point() and value.numel() > 1:
        return value.detach() if value.layout is torch.strided else None
    return None


def _only_activates(module: Any) -> bool:
    """Whether a module is nn.ReLU or its like: it has neither parts nor weights."""
    return next(module.children(), None) is None and next(module.parameters(), None) is None


def _sources(source: torch.Tensor) -> Iterator[Any]:
    """Yields the operations that made a layer's input, nearest first; no gates.

    In a product of two computed factors each is the other's gate (LSTM, GLU, squeeze-and-excite):
    a gate at its bound lets all or nothing through, and that is its job.
    """
    waiting: list[Any] = [source.grad_fn]
    seen: set[Any] = set()
    while waiting and len(seen) < BACK_AT_MOST:
        node = waiting.pop(0)
        if node is None or node in seen:
            continue
        seen.add(node)
        yield node
        before = [earlier for earlier, _ in node.next_functions if earlier is not None]
        if not (len(before) > 1 and node.name().startswith("MulBackward")):
            waiting += before


def _is_users(module: Any) -> bool:
    code = getattr(type(module).forward, "__code__", None)
    return code is not None and is_user_file(code.co_filename)


class Activations(Probe):
    """Spread and shares of each leaf module's output, and of each activation function's.

    Signals, by place: `activation_std`, `activation_zero_share`, `activation_nonfinite_share`;
    `dead_unit_share` (units of a ReLU inside a model that were zero for every sample of the
    last `DEAD_AFTER` sampled iterations); `activation_saturated_share` (sigmoid, tanh and
    hardsigmoid whose output a layer with weights is given, other than as a gate; mean over the
    calls of one iteration). The last two only where something before them is trained. A unit is
    one index of the last dimension, or of dimension 1 for outputs of four and more dimensions
    (channels). Of an output with more than 8,192 elements, spread, zero share and saturation
    are those of a subsample. The place is the module's name; for a function called in a forward
    of the user's own it is `relu (train.py:23)`.
    """

    name = "activations"
    sampled: ClassVar = ("module_begin", "module_end", "activation", "step_end")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._inside: list[Any] = []
        self._kinds: set[str] = set()
        self._alive: dict[str, torch.Tensor] = {}
        self._silent_for: dict[str, torch.Tensor] = {}
        self._samples: dict[str, int] = {}
        self._pending: dict[Any, tuple[str, torch.Tensor]] = {}
        self._pending_units: list[tuple[str, torch.Tensor]] = []
        self._saturated: dict[str, tuple[torch.Tensor, int]] = {}

    def iteration_begins(self) -> None:
        """Forgets an earlier iteration that may have ended in the middle of a module."""
        self._inside.clear()
        self._alive.clear()
        self._pending.clear()
        self._pending_units.clear()
        self._saturated.clear()

    def on_module_begin(self, module: Any) -> None:
        """Keeps track of which module is being computed, and of what lies before its weights."""
        if not self._inside:
            self._pending.clear()
            self._pending_units.clear()
        self._inside.append(module)
        if self._pending_units and any(True for _ in module.parameters(recurse=False)):
            for place, alive in self._pending_units:
                self._units(place, alive)
            self._pending_units.clear()

    def on_module_end(self, module: Any, args: Any, result: Any) -> None:
        """Measures what a leaf module gave out, and notes what its weights were given."""
        while self._inside and self._inside.pop() is not module:
            pass
        given = args[0] if args else None
        weights = next(module.parameters(recurse=False), None)
        if self._pending and isinstance(given, torch.Tensor) and weights is not None:
            for node in _sources(given):
                if node in self._pending:
                    before, share = self._pending.pop(node)
                    known = self._saturated.get(before)
                    total, calls = (share, 1) if known is None else (known[0] + share, known[1] + 1)
                    self._saturated[before] = total, calls
        output = _single(result)
        place = self.watch.names.module(module)
        if output is None or place is None or next(module.children(), None) is not None:
            return
        self._measure(place, type(module).__name__, output)

    def on_activation(self, name: str, input: Any, result: Any) -> None:
        """Measures an activation function, called by its module or by the user."""
        output = _single(result)
        if output is None:
            return
        module = self._inside[-1] if self._inside else None
        place = self.watch.names.module(module) if module is not None else None
        in_model = place is not None
        is_function = not in_model or not _only_activates(module)
        if is_function:
            site = user_site(2)
            if site is not None and (not in_model or _is_users(module)):
                place = place_at(name, site)
            if place is None:
                return
            self._measure(place, name, output)
        if place is None or not in_model or not result.requires_grad:
            return  # a hinge in the loss is no unit, and a frozen layer needs no gradient
        if name in BOUNDED:
            low, high = BOUNDED[name]
            near, chosen = SATURATED_WITHIN * (high - low), subsample(output)
            saturated = ((chosen < low + near) | (chosen > high - near)).sum() / chosen.numel()
            self._pending[result.grad_fn] = place, saturated
        channel = 1 if output.dim() >= 4 else output.dim() - 1
        if isinstance(module, torch.nn.ReLU6):
            name = "relu6"  # torch computes it as a hardtanh
        if name in ZERO_SIDED and output.dim() >= 2 and output.shape[channel] <= UNITS_AT_MOST:
            others = [dim for dim in range(output.dim()) if dim != channel]
            alive = ~(output.amax(others) <= 0)  # what is not finite is ill in another way
            if is_function:
                self._pending_units.append((place, alive))
            else:
                self._units(place, alive)

    def on_step_end(self, optimizer: Any) -> None:
        """Writes what needed the whole iteration: units without a sign of life, and saturation."""
        for place, (total, calls) in self._saturated.items():
            self.watch.put("activation_saturated_share", place, total / calls)
        self._saturated.clear()
        self._pending.clear()  # each holds a piece of the user's graph
        for place, alive in self._alive.items():
            silent = self._silent_for.get(place)
            if silent is None or silent.shape != alive.shape:
                silent = torch.zeros_like(alive, dtype=torch.int32)
                self._samples[place] = 0
            silent = self._silent_for[place] = (silent + 1).masked_fill_(alive, 0)
            self._samples[place] += 1
            if self._samples[place] >= DEAD_AFTER:
                self.watch.put("dead_unit_share", place, (silent >= DEAD_AFTER).float().mean())
        self._alive.clear()

    def finish(self) -> None:
        """Says why dead units are not known although there are units."""
        longest = max(self._samples.values(), default=DEAD_AFTER)
        if longest < DEAD_AFTER:
            steps = f"{longest} sampled step{'' if longest == 1 else 's'}"
            self.watch.skip(
                "dead_unit_share", f"a ReLU was seen in {steps}, and {DEAD_AFTER} are needed"
            )

    def _units(self, place: str, alive: torch.Tensor) -> None:
        known = self._alive.get(place)
        if known is not None and known.shape != alive.shape:
            # one nn.ReLU used behind layers of different widths
            place = f"{place} [{alive.numel()}]"
            known = self._alive.get(place)
        self._alive[place] = alive if known is None else known | alive

    def _measure(self, place: str, kind: str, output: torch.Tensor) -> None:
        put = self.watch.put
        if place not in self._kinds and len(self._kinds) < 5000:
            self._kinds.add(place)
            self.watch.event_once("activation_kind", place, place=place, of=kind)
        half = output.dtype in (torch.float16, torch.bfloat16)
        total = output.sum(dtype=torch.float32 if half else output.dtype)
        chosen = subsample(output)
        put("activation_std", place, moments(chosen)[1])
        put("activation_zero_share", place, zero_share(chosen))
        # one number that is not finite makes the sum so
        put("activation_nonfinite_share", place, nonfinite_share(output, total))
