"""What is remembered of an optimizer's steps, to go back to a good one."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class LastGood:
    """One optimizer's bad steps in a row, good ones in all, last good weights and state."""

    bad: int = 0
    good: int = 0
    kept: tuple[list[Any], Any] | None = None

    def keep(self, optimizer: Any) -> None:
        """Copies what the optimizer holds."""
        weights = [p.detach().clone() for g in optimizer.param_groups for p in g["params"]]
        self.kept = weights, copy.deepcopy(optimizer.state_dict()["state"])

    def put_back(self, optimizer: Any) -> bool:
        """Puts back what was kept; False if nothing was."""
        import torch

        if self.kept is None:
            return False
        weights, state = self.kept
        parameters = [p for g in optimizer.param_groups for p in g["params"]]
        with torch.no_grad():
            for p, value in zip(parameters, weights, strict=True):
                p.copy_(value)
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": copy.deepcopy(state), "param_groups": groups})
        return True
