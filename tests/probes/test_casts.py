"""What is lost of data by their type, from the call of a model to the loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay.journal.events import CAST_LOSES
from assay.probes.questions.probe import FirstQuestions

from .conftest import Watching


class Rows(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.head = nn.Embedding(4096, 4), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        if x.dtype is torch.uint8:
            return self.head((x - 128) / 64)  # here
        if x.dim() == 1:
            return self.head(self.words(x.long()))
        return self.head(x)


DECIMALS, BYTES = torch.rand(20, 3) * 3, torch.arange(80, dtype=torch.uint8).reshape(20, 4)
IDS = 2 * torch.arange(2000, 2020)


def classes(out: Tensor, target: Tensor) -> Tensor:
    return F.cross_entropy(out, target.long())


def numbers(out: Tensor, target: Tensor) -> Tensor:
    return F.mse_loss(out, target.int().float())


@pytest.mark.parametrize(
    ("x", "target", "loss", "how"),
    [
        (torch.randn(20, 4), DECIMALS, numbers, "fractions"),
        (torch.randn(20, 4), DECIMALS / 3, numbers, "all one"),
        (torch.randn(20, 4), DECIMALS[:, 0] / 3, classes, "all one"),
        (IDS.half(), DECIMALS[:, 0], classes, "ids"),
        (BYTES, DECIMALS[:, 0], classes, "wrapped"),
        (torch.randn(20, 4), DECIMALS.round(), numbers, None),
        (torch.randn(20, 4), DECIMALS[:, 0], classes, None),
        (IDS.float(), DECIMALS[:, 0], classes, None),
        ((IDS - 3000).abs().half(), DECIMALS[:, 0], classes, None),
        (BYTES + 128, DECIMALS[:, 0], classes, None),
    ],
)
@pytest.mark.usefixtures("no_haste")
def test_what_a_type_loses(
    watched: Watching, x: Tensor, target: Tensor, loss: Callable[..., Tensor], how: str | None
) -> None:
    with watched(FirstQuestions) as seen:
        model = Rows()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(3):
            optimizer.zero_grad()
            loss(model(x), target).backward()
            optimizer.step()
    found: list[dict[str, Any]] = [dict(event.data) for event in seen.view.events(CAST_LOSES)]
    assert [one["how"] for one in found] == ([how] if how else [])
    (count,) = seen.view.trainings[0].series("lossy_casts").values
    assert count == float(bool(how))
    if how is None:
        return
    first = {"wrapped": Rows.forward, "ids": Rows.forward}.get(how, loss).__code__.co_firstlineno
    assert found[0]["line"][1] == first + {"wrapped": 2, "ids": 4}.get(how, 1)
    if how == "wrapped":
        assert (found[0]["share"], found[0]["low"]) == (1.0, -128.0)
