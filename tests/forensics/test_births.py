"""Births of values that are not finite, traced here: operands as they were, in their order."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from assay.forensics import births
from assay.forensics.births import Births
from assay.forensics.told import told
from assay.forensics.tracer import Tracer
from assay.signals.nonfinite.forward import why
from assay.watching.names import Names


def traced(compute: Callable[[], Tensor]) -> str:
    followed = Births(Names())
    tracer = Tracer(followed)
    tracer.enter()
    try:
        result = compute()
    finally:
        tracer.leave()
    assert tracer.error is None
    data = told(followed.of(result), followed._names, None)
    assert data["op"], "nothing was given broken"
    return why(data)


@pytest.mark.parametrize("copied", [2**22, 4])
def test_what_is_written_into_is_judged_as_it_was(
    copied: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(births, "COPIED", copied)
    assert "/ 0: the divisor is a plain 0" in traced(lambda: torch.ones(8).div_(0))


def test_operands_stand_in_the_order_of_the_operation() -> None:
    assert traced(lambda: torch.pow(0.0, torch.tensor([-1.0, 2.0]))) == "0 ** -1, which is 1 / 0"
    assert "division by 0" in traced(lambda: torch.remainder(5.0, torch.tensor([0.0, 2.0])))


def test_a_truth_that_was_read_is_no_divisor() -> None:
    def compute() -> Tensor:
        assert not (torch.ones(3) > 5).any()
        return torch.ones(3) / 0

    assert traced(compute) == "1 / 0: the divisor is a plain 0"


def test_what_made_a_divisor_is_not_that_of_memory_that_was_used_before() -> None:
    def compute(number: int) -> Tensor:
        small = [torch.zeros(3) - torch.zeros(3) for _ in range(100)]
        small.clear()
        large = [torch.relu(-torch.ones(500)) for _ in range(60)]
        return 1 / large[number]

    for number in range(60):
        assert "difference" not in traced(partial(compute, number))
