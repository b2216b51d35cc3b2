"""lookahead against the loop that a person writes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from suite import STEPPING, Hand, assert_same, by_hand, differs, parameters_of, plain, treated


class ByHand(Hand):
    def __init__(self) -> None:
        self.slow: dict[Any, torch.Tensor] = {}
        self.steps: dict[Any, int] = {}

    def gradients(self, optimizer: Any) -> None:
        for p in parameters_of(optimizer):
            self.slow.setdefault(p, p.detach().clone())

    def stepped(self, optimizer: Any) -> None:
        self.steps[optimizer] = self.steps.get(optimizer, 0) + 1
        if self.steps[optimizer] % 2 == 0:
            with torch.no_grad():
                for p in parameters_of(optimizer):
                    self.slow[p].lerp_(p, 0.75)
                    p.copy_(self.slow[p])


@pytest.mark.parametrize("attached", [False, True], ids=["script", "attached"])
@pytest.mark.parametrize("workload", STEPPING)
def test_to_the_last_bit(workload: str, attached: bool) -> None:
    found = treated(workload, "lookahead=2,alpha=0.75", attached=attached)
    assert_same(found, by_hand(workload, ByHand()))
    assert differs(found, plain(workload))


def test_a_whole_way_is_a_plain_training() -> None:
    assert_same(treated("plain", "lookahead=2,alpha=1"), plain("plain"))
