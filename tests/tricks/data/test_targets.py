"""ignore-index and balance-classes against losses written by hand."""

from __future__ import annotations

from functools import partial
from typing import Any
from unittest import mock

import pytest
import torch
from suite import (
    STEPPING,
    Hand,
    TrickError,
    World,
    assert_same,
    attach,
    by_hand,
    differs,
    in_script,
    plain,
    read,
    treated,
)
from torch import nn
from torch.nn import functional as F


class Ignoring(Hand):
    """Leaves a class out, in the evaluation's loss as well."""

    def loss(self, output: Any, y: Any) -> torch.Tensor:
        return F.cross_entropy(output, y, ignore_index=3)

    def evaluating(self, world: World) -> Any:
        other = mock.patch.object(F, "cross_entropy", partial(F.cross_entropy, ignore_index=3))
        other.start()
        return other.stop


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("workload", [*STEPPING, "lbfgs"])
def test_ignored_by_hand(workload: str, attached: bool) -> None:
    expected = by_hand(workload, Ignoring())
    assert_same(expected, treated(workload, "ignore-index=3", attached=attached))
    assert differs(expected, plain(workload))


X, Y = (
    torch.randn(6, 4, generator=torch.Generator().manual_seed(0)),
    torch.tensor([0, 1, 2, 0, 3, 1]),
)


def test_the_mean_is_over_the_other_targets() -> None:
    kept = Y != 0
    expected = F.cross_entropy(X[kept], Y[kept])
    logs = F.log_softmax(X, 1)
    with in_script("ignore-index=0"):
        for loss in (
            F.cross_entropy(X, Y), F.cross_entropy(input=X, target=Y), nn.CrossEntropyLoss()(X, Y),
            F.nll_loss(logs, Y), nn.NLLLoss()(logs, Y),
        ):  # fmt: skip
            torch.testing.assert_close(loss, expected)
        each = F.cross_entropy(X, Y, reduction="none")
        assert torch.equal(each == 0, ~kept)
        nothing = F.cross_entropy(X, torch.zeros_like(Y))
        assert nothing.isnan()
    assert not torch.isclose(F.cross_entropy(X, Y), expected)


def test_an_index_of_the_script_and_shares_of_classes_stay() -> None:
    shares = F.one_hot(Y, 4).float()
    ways: list[Any] = [
        lambda: F.cross_entropy(X, Y, ignore_index=1),
        lambda: nn.CrossEntropyLoss(ignore_index=1)(X, Y),
        lambda: F.cross_entropy(X, Y, None, None, 1),
        lambda: F.cross_entropy(X, shares),
        lambda: F.mse_loss(X[:, 0], Y.float()),
    ]
    expected = [way() for way in ways]
    with in_script("ignore-index=0"):
        assert all(torch.equal(way(), own) for way, own in zip(ways, expected, strict=True))


def test_a_batch_of_padding_only_is_left_to_skip_non_finite() -> None:
    with in_script("ignore-index=0", "skip-non-finite"):
        model = nn.Linear(4, 4)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        before = model.weight.detach().clone()
        for target, moves in ((torch.zeros_like(Y), False), (Y, True)):
            optimizer.zero_grad()
            F.cross_entropy(model(X), target).backward()
            optimizer.step()
            assert torch.equal(model.weight, before) != moves
        assert bool(model.weight.isfinite().all())


# -- balance-classes ---------------------------------------------------------------------------


class Balanced(Hand):
    """Counts the labels and weighs the classes by (N / (C n_c)) ** power."""

    def __init__(self, power: float) -> None:
        self.power, self.counts = power, torch.zeros(1, dtype=torch.float64)

    def loss(self, output: Any, y: Any) -> torch.Tensor:
        classes = output.shape[1]
        self.counts = self.counts + torch.bincount(y, minlength=classes)
        counts = self.counts.clamp(min=1)
        weight = (counts.sum() / (classes * counts)) ** self.power
        return F.cross_entropy(output, y, weight=weight.float())


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("workload", [*STEPPING, "lbfgs"])
@pytest.mark.parametrize("power", [1, 0.5])
def test_balanced_by_hand(workload: str, power: float, attached: bool) -> None:
    expected = by_hand(workload, Balanced(power))
    assert_same(expected, treated(workload, f"balance-classes={power}", attached=attached))
    assert differs(expected, plain(workload))


def test_weights_are_the_documented_ones() -> None:
    y = torch.tensor([0] * 6 + [1] * 3 + [2])
    x = torch.randn(10, 3)
    weight = torch.tensor([10 / (3 * 6), 10 / (3 * 3), 10 / (3 * 1)])
    expected = F.cross_entropy(x, y, weight)
    plain_loss = F.cross_entropy(x, y)
    with in_script("balance-classes"):
        for loss in (F.cross_entropy(x, y), F.nll_loss(F.log_softmax(x, 1), y),
                     nn.CrossEntropyLoss()(x, y)):  # fmt: skip
            torch.testing.assert_close(loss, expected)
        with torch.no_grad():  # evaluations keep the real frequencies
            assert torch.equal(F.cross_entropy(x, y), plain_loss)
    assert not torch.isclose(expected, plain_loss)


@pytest.mark.parametrize("power", [1, 0.5])
def test_binary_targets_get_a_weight_of_the_positive_ones(power: float) -> None:
    batches = [torch.tensor([[1.0], [0], [0], [0], [0]]), torch.tensor([[1.0], [1], [0], [0], [0]])]
    x = torch.randn(5, 1)
    ratios = [4 / 1, 7 / 3]
    expected = [
        F.binary_cross_entropy_with_logits(x, y, pos_weight=torch.tensor(ratio) ** power)
        for y, ratio in zip(batches, ratios, strict=True)
    ]
    with attach([read(f"balance-classes={power}")], (nn.Linear(1, 1),)):
        found = [F.binary_cross_entropy_with_logits(x, y) for y in batches]
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("left_out", [-100, -1, 0, 255])
def test_labels_that_are_left_out_are_not_counted(left_out: int) -> None:
    y = torch.tensor([1, 1, 2, 1, left_out, left_out, left_out])
    x = torch.randn(7, 3)
    # of the labels that count: none of class 0, taken as 1
    weight = torch.tensor([5 / (3 * 1), 5 / (3 * 3), 5 / (3 * 1)])
    settings: dict[str, Any] = {"ignore_index": left_out, "reduction": "sum"}
    expected = F.cross_entropy(x, y, weight, **settings)
    with in_script("balance-classes"):
        torch.testing.assert_close(F.cross_entropy(x, y, **settings), expected)


def test_samples_one_by_one_and_images_of_labels() -> None:
    x, y = torch.randn(2, 3, 2, 2), torch.tensor([[[0, 0], [1, 0]], [[2, 0], [0, 1]]])
    weight = torch.tensor([8 / (3 * 5), 8 / (3 * 2), 8 / (3 * 1)])
    expected = F.cross_entropy(x, y, weight)
    with in_script("balance-classes"):
        torch.testing.assert_close(F.cross_entropy(x, y), expected)
    one = F.cross_entropy(x[0, :, 0, 0], y[0, 0, 0])
    with in_script("balance-classes"):
        torch.testing.assert_close(F.cross_entropy(x[0, :, 0, 0], y[0, 0, 0]), one)


def test_refused_where_it_does_not_fit() -> None:
    ways: list[tuple[str, Any]] = [
        ("weights its classes already", lambda: F.cross_entropy(X, Y, torch.ones(4))),
        ("weights its classes already", lambda: F.cross_entropy(X, Y, weight=torch.ones(4))),
        ("targets are probabilities", lambda: F.cross_entropy(X, torch.softmax(X, 1))),
        ("mse_loss has no classes", lambda: F.mse_loss(X, X)),
    ]
    for says, way in ways:
        with in_script("balance-classes"), pytest.raises(TrickError, match=says):
            way()
