"""Probe: parameters that an optimizer holds and that are frozen, and vain tries to thaw them."""

from __future__ import annotations

import weakref
from typing import Any, ClassVar

from ..seams.callsite import site_of, user_frame
from ..watching.probe import Probe

MISSPELT = ("require_grad", "requires_grads", "require_grads", "requires_gradient", "required_grad",
            "requiresgrad", "requires_Grad")  # fmt: skip
FLAGS_AT_MOST = 64


class Freezing(Probe):
    """Counts frozen parameters at each sampled step, and of what was meant to be thawed.

    Signals: `frozen_share`, per group, the share of its parameters that are frozen and have no
    gradient;
    `thawed_in_vain`, by the name of a module on which `requires_grad = True` was set as an
    attribute while all its parameters were frozen, or of a parameter with a misspelt attribute: the
    share of its parameters that are still frozen. An event `vain_thaw` names the line.
    """

    name = "freezing"
    always: ClassVar = ("flag_set",)
    sampled: ClassVar = ("gradients_ready",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._flags: list[tuple[weakref.ref[Any], Any]] = []

    def on_flag_set(self, module: Any, value: Any) -> None:
        """Remembers a module whose parameters are all frozen, and that was to be thawed."""
        frozen = [not p.requires_grad for p in module.parameters()]
        frame = user_frame()
        if value is not True or not frozen or not all(frozen) or frame is None:
            return
        if frame.f_locals.get("self") is module or len(self._flags) >= FLAGS_AT_MOST:
            return  # a flag of the module's own, which its code may read
        self._flags.append((weakref.ref(module), site_of(frame)))

    def on_gradients_ready(self, optimizer: Any) -> None:
        """Counts."""
        watch = self.watch
        for index, group in enumerate(optimizer.param_groups):
            frozen = [p for p in group["params"] if not p.requires_grad and p.grad is None]
            if group["params"]:
                share = len(frozen) / len(group["params"])
                watch.put("frozen_share", f"group {index}", share)
            for p in frozen:
                wrong = next((key for key in MISSPELT if getattr(p, key, None) is True), None)
                if wrong is not None and (name := watch.names.parameter(p)) is not None:
                    self._tell(name, wrong, None, 1.0)
        for known, line in self._flags:
            module = known()
            if module is not None and (name := watch.names.module(module)) is not None:
                frozen = [not p.requires_grad for p in module.parameters()]
                self._tell(name, "requires_grad", line, sum(frozen) / max(len(frozen), 1))

    def _tell(self, name: str, attribute: str, line: Any, share: float) -> None:
        self.watch.event_once(
            "vain_thaw", name,
            place=name, attribute=attribute, line=None if line is None else list(line),
        )  # fmt: skip
        self.watch.put("thawed_in_vain", name, share)
