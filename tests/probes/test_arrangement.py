"""Rows of a loss of classes: of one place each, and of the place that their target is of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay.probes.questions.probe import FirstQuestions

from .conftest import Watching

pytestmark = pytest.mark.usefixtures("no_haste")
B, T, C, H, W = 4, 6, 3, 5, 5
Loss = Callable[[Any], Tensor]


class Net(nn.Module):
    """A layer for each kind of answer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.image = nn.Conv1d(2, C, 3, padding=1), nn.Conv2d(2, C, 3, padding=1)
        self.words, self.two = nn.Linear(2, C), nn.Linear(2, 2)
        self.heads, self.board = nn.Conv2d(2, 2 * C, 1), nn.Conv2d(2, 2, 1)

    def forward(self, kind: str, x: Tensor) -> Tensor:
        answer: Tensor = getattr(self, kind)(x)
        return answer


IMAGE, SERIES, WORDS = torch.randn(B, 2, H, W), torch.randn(B, 2, T), torch.randn(B, T, 2)
MASK, TAGS = torch.arange(B * H * W).reshape(B, H, W) % C, torch.arange(B * T).reshape(B, T) % C


def rearranged(watched: Watching, loss: Loss) -> tuple[list[float], list[str]]:
    torch.manual_seed(0)
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with watched(FirstQuestions) as seen:
        for _ in range(3):
            optimizer.zero_grad()
            loss(net).backward()
            optimizer.step()
    (training,) = seen.view.trainings
    hows = [event.data["how"] for event in seen.view.events("rows_moved")]
    return list(training.series("rows_rearranged").values[:1]), hows


def rows(x: Tensor) -> Tensor:
    return x.reshape(-1, x.shape[-1])


def flat(x: Tensor) -> Tensor:
    return F.cross_entropy(x.reshape(-1, C), MASK.reshape(-1))


@pytest.mark.parametrize(
    ("loss", "how"),
    [
        (lambda net: flat(net("image", IMAGE)), "mixed"),
        (lambda net: F.cross_entropy(net("conv", SERIES).view(-1, C), TAGS.flatten()), "mixed"),
        (lambda net: F.cross_entropy(net("words", WORDS).view(B, C, T), TAGS), "mixed"),
        (
            lambda net: F.nll_loss(
                net("conv", SERIES).view(B, T, C).log_softmax(2).flatten(0, 1), TAGS.view(-1)
            ),
            "mixed",
        ),
        (lambda net: flat(net("image", IMAGE).transpose(1, 3)), "elsewhere"),
        (lambda net: flat(net("image", IMAGE).permute(0, 3, 2, 1)), "elsewhere"),
        (
            lambda net: F.cross_entropy(
                rows(net("words", WORDS.transpose(0, 1).contiguous())), TAGS.flatten()
            ),
            "elsewhere",
        ),
    ],
)
def test_rows_that_are_rearranged(watched: Watching, loss: Loss, how: str) -> None:
    ((share,), hows) = rearranged(watched, loss)
    assert share > 0.5
    assert hows == [how]


@pytest.mark.parametrize(
    "loss",
    [
        lambda net: flat(net("image", IMAGE).permute(0, 2, 3, 1)),
        lambda net: F.cross_entropy(net("image", IMAGE), MASK),
        lambda net: F.cross_entropy(net("image", IMAGE).flatten(2), MASK.flatten(1)),
        lambda net: F.cross_entropy(rows(net("words", WORDS)), TAGS.flatten()),
        lambda net: F.cross_entropy(net("words", WORDS).transpose(1, 2), TAGS),
        lambda net: F.cross_entropy(
            net("words", WORDS)[:, :-1].flatten(0, 1), TAGS[:, 1:].flatten()
        ),
        lambda net: F.cross_entropy(
            rows(net("words", WORDS.transpose(0, 1).contiguous()).transpose(0, 1)), TAGS.flatten()
        ),
        lambda net: F.cross_entropy(
            rows(net("words", WORDS.transpose(0, 1).contiguous())), TAGS.t().flatten()
        ),
        lambda net: F.cross_entropy(net("two", WORDS)[..., 0], TAGS[:, 0]),  # points to a word
        lambda net: F.cross_entropy(net("board", IMAGE).view(B, -1), MASK[:, 0, 0]),  # a move
        lambda net: F.cross_entropy(
            net("heads", IMAGE).permute(0, 2, 3, 1).reshape(-1, C), MASK.repeat_interleave(2)
        ),
        lambda net: F.cross_entropy(F.interpolate(net("image", IMAGE), (H, W)), MASK),
    ],
)
def test_rows_that_are_in_their_place(watched: Watching, loss: Loss) -> None:
    shares, hows = rearranged(watched, loss)
    assert hows == []
    assert set(shares) <= {0.0}


@pytest.mark.parametrize(
    "loss",
    [
        lambda net: F.cross_entropy(net("words", WORDS[:, 0]), TAGS[:, 0]),
        lambda net: F.mse_loss(net("words", WORDS), torch.zeros(B, T, C)),
        lambda net: F.cross_entropy(rows(net("words", WORDS))[TAGS.flatten() > 0], TAGS[TAGS > 0]),
    ],
)
def test_others_are_not_looked_at(watched: Watching, loss: Loss) -> None:
    assert rearranged(watched, loss) == ([], [])
