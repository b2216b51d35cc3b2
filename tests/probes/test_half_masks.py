"""Constants that are lost on their way into float16, in several spellings, and what is none."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from assay.probes.precision.half_masks import HalfMasks, _beyond, _share_beyond

NEVER = -1e9
KEEP = torch.tensor([[True, True, False], [False, False, False]])
HIDDEN = 4 / 6


def added(s: Tensor) -> Tensor:
    return s + (~KEEP).half() * -1e9


def subtracted(s: Tensor) -> Tensor:
    return s - 1e9 * (1 - KEEP.to(s.dtype))


def converted(s: Tensor) -> Tensor:
    return s + ((1 - KEEP.float()) * torch.finfo(torch.float32).min).to(s.dtype)


def chosen(s: Tensor) -> Tensor:
    return torch.where(KEEP, s, -1e9)


def chosen_tensor(s: Tensor) -> Tensor:
    return torch.where(KEEP, s, torch.tensor(-1e9))


def written(s: Tensor) -> Tensor:
    s = s.clone()
    s[~KEEP] = NEVER
    return s


def made(s: Tensor) -> Tensor:
    return torch.where(KEEP, s, s.new_tensor(-1e9))


def copied(s: Tensor) -> Tensor:
    mask = torch.zeros(2, 3, dtype=torch.half)
    mask.copy_((1 - KEEP.float()) * -1e9)
    return s + mask


class Net(nn.Module):
    def __init__(self, mask: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)
        self.mask = mask

    def forward(self, x: Tensor) -> Tensor:
        return self.mask(self.layer(x).half()).softmax(-1).nan_to_num()


def look(watched: Any, mask: Callable[[Tensor], Tensor]) -> Any:
    torch.manual_seed(0)
    model = Net(mask)
    with watched(HalfMasks) as seen:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
        for _ in range(2):
            optimizer.zero_grad()
            model(torch.ones(2, 3)).float().sum().backward()
            optimizer.step()
    assert not seen.view.errors
    return seen.view


@pytest.mark.parametrize(
    ("mask", "share"),
    [(added, HIDDEN), (subtracted, HIDDEN), (converted, HIDDEN), (copied, HIDDEN), (chosen, 1.0),
     (chosen_tensor, 1.0), (written, 1.0), (made, 1.0)],
)  # fmt: skip
def test_a_constant_that_is_lost(watched: Any, mask: Any, share: float) -> None:
    view = look(watched, mask)
    (training,) = view.trainings
    lost = {
        place: training.series("half_lost_share", place).values
        for place in training.places("half_lost_share")
    }
    place = max(lost, key=lambda name: max(lost[name]))
    assert lost[place][0] == pytest.approx(share)
    first, last = mask.__code__.co_firstlineno, mask.__code__.co_firstlineno + 5
    assert {e.data["place"] for e in view.events("half_mask")} == set(lost)
    line = next(e.data["line"] for e in view.events("half_mask") if e.data["place"] == place)
    assert first < line[1] <= last
    (softmax,) = training.places("softmax_undefined_share")
    assert training.series("softmax_undefined_share", softmax).first == 0.5


def on_purpose(s: Tensor) -> Tensor:
    return s.masked_fill(~KEEP, -math.inf) + s.new_tensor(float("-inf")) * (~KEEP)


@pytest.mark.parametrize(
    "mask",
    [
        lambda s: s.masked_fill(~KEEP, torch.finfo(s.dtype).min),
        lambda s: s.float().masked_fill(~KEEP, -1e9),  # float32 holds it
        lambda s: s.bfloat16().masked_fill(~KEEP, -1e9),
        lambda s: s + (~KEEP).half() * -1e4,
        lambda s: s * 70_000.0,  # a score, no constant
        on_purpose,
    ],
)
def test_what_is_not_lost(watched: Any, mask: Any) -> None:
    view = look(watched, mask)
    (training,) = view.trainings
    for place in training.places("half_lost_share"):
        assert not any(training.series("half_lost_share", place).values)


def test_numbers_that_float16_does_not_hold() -> None:
    wide = torch.tensor([1.0, 7e4, -7e4, math.inf, 65504.0])
    assert float(_share_beyond(wide)) == pytest.approx(2 / 5)  # type: ignore[arg-type]
    assert float(_share_beyond(torch.ones(3))) == 0.0  # type: ignore[arg-type]
    for other in (wide.half(), wide[:0], torch.tensor([10**6]), 1e9, wide.requires_grad_()):
        assert _share_beyond(other) is None
    for value in (7e4, -7e4, 70_000, torch.tensor(-1e9)):
        assert _beyond(value)
    for value in (65504.0, math.inf, -math.inf, math.nan, "7e4", torch.tensor([1e9]),
                  torch.tensor(1e9, requires_grad=True), torch.tensor(1.0)):  # fmt: skip
        assert not _beyond(value)
