"""Which weights came from a checkpoint: for all probes that ask."""

from __future__ import annotations

import weakref
from typing import Any, ClassVar

import torch

from ...watching.probe import Probe

PARAMETERS_AT_MOST = 100_000


class Loaded(Probe):
    """Knows the parameters that a `load_state_dict` of a module has written into."""

    name = "loaded"
    always: ClassVar = ("load_state",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._known: dict[int, weakref.ref[Any]] = {}

    def on_load_state(self, owner: Any, result: Any) -> None:
        """Notes all that a state was not missing."""
        if isinstance(owner, torch.nn.Module) and len(self._known) < PARAMETERS_AT_MOST:
            missing = set(getattr(result, "missing_keys", ()))
            for name, p in owner.named_parameters():
                if name not in missing:
                    self._known[id(p)] = weakref.ref(p)

    def has(self, parameter: torch.Tensor) -> bool:
        """Whether this parameter was loaded."""
        known = self._known.get(id(parameter))
        return known is not None and known() is parameter
