"""logits and match-target-shape against scripts without the mistake."""

from __future__ import annotations

import gc
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from suite import (
    STEPPING,
    Hand,
    assert_same,
    by_hand,
    differs,
    in_script,
    plain,
    treated,
)
from torch import nn
from torch.nn import functional as F

ALL = [*STEPPING, "lbfgs"]


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("workload", ALL)
def test_logits_is_as_if_the_softmax_were_not_there(
    workload: str, attached: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = plain(workload)
    monkeypatch.setattr(
        Hand, "loss", lambda self, output, y: F.cross_entropy(torch.softmax(output, 1), y)
    )
    assert_same(expected, treated(workload, "logits", attached=attached))
    assert differs(expected, plain(workload))


class BinaryLoss(Hand):
    def loss(self, output: Any, y: Any) -> torch.Tensor:
        return F.binary_cross_entropy_with_logits(output, F.one_hot(y, output.shape[1]).float())


class OfProbabilities(BinaryLoss):
    def loss(self, output: Any, y: Any) -> torch.Tensor:
        return super().loss(torch.sigmoid(output), y)


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("workload", ALL)
def test_logits_is_as_if_the_sigmoid_were_not_there(
    workload: str, attached: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = by_hand(workload, BinaryLoss())
    wrong = by_hand(workload, OfProbabilities())
    monkeypatch.setattr(
        Hand, "loss", lambda self, output, y: BinaryLoss().loss(output.sigmoid(), y)
    )
    assert_same(wrong, plain(workload))
    assert_same(expected, treated(workload, "logits", attached=attached))
    assert differs(expected, wrong)


Z = torch.randn(5, 4, generator=torch.Generator().manual_seed(0)) * 30  # exp underflows
LABELS = torch.tensor([0, 3, 1, 2, 0])
SOFTMAX: list[Callable[[Any], Any]] = [
    lambda z: torch.softmax(z, 1),
    lambda z: torch.softmax(input=z, dim=1),
    lambda z: F.softmax(z, dim=-1),
    lambda z: z.softmax(1),
    nn.Softmax(dim=1),
    nn.Sequential(nn.Identity(), nn.Softmax(1)),
]
SIGMOID: list[Callable[[Any], Any]] = [
    lambda z: torch.sigmoid(z), lambda z: torch.sigmoid(input=z), F.sigmoid, lambda z: z.sigmoid(),
    nn.Sigmoid(),
]  # fmt: skip


@pytest.mark.parametrize("softmax", SOFTMAX)
def test_every_softmax(softmax: Any) -> None:
    expected = F.cross_entropy(Z, LABELS)
    with in_script("logits"):
        assert torch.equal(F.cross_entropy(softmax(Z), LABELS), expected)
        assert torch.equal(F.cross_entropy(input=softmax(Z), target=LABELS), expected)
        assert torch.equal(nn.CrossEntropyLoss()(softmax(Z), LABELS), expected)
    assert not torch.isclose(F.cross_entropy(softmax(Z), LABELS), expected)


@pytest.mark.parametrize("sigmoid", SIGMOID)
def test_every_sigmoid(sigmoid: Any) -> None:
    target = F.one_hot(LABELS, 4).float()
    loss = F.binary_cross_entropy_with_logits
    expected = loss(Z, target)
    with in_script("logits"):
        assert torch.equal(loss(sigmoid(Z), target), expected)
        assert torch.equal(nn.BCEWithLogitsLoss()(sigmoid(Z), target), expected)
    assert not torch.isclose(loss(sigmoid(Z), target), expected)


@pytest.mark.parametrize(
    "shaped", [lambda p: p.squeeze(-1), lambda p: p[..., 0], lambda p: p.view(5), torch.ravel]
)
def test_a_sigmoid_in_another_shape(shaped: Any) -> None:
    def gradient(of: Callable[[Any], Any]) -> torch.Tensor:
        logits = Z[:, :1].clone().requires_grad_()
        F.binary_cross_entropy_with_logits(shaped(of(logits)), (LABELS > 1).float()).backward()
        assert logits.grad is not None
        return logits.grad

    expected = gradient(lambda z: z)
    with in_script("logits"):
        assert torch.equal(gradient(torch.sigmoid), expected)
        # what was computed from it since is another quantity
        assert not torch.equal(gradient(lambda z: torch.sigmoid(z) * 2), expected)
    assert not torch.equal(gradient(torch.sigmoid), expected)


def test_gradients_are_those_of_the_logits_where_the_softmax_is_in_the_model() -> None:
    layer = nn.Linear(4, 4)
    model = nn.Sequential(layer, nn.Softmax(1))
    F.cross_entropy(layer(Z), LABELS).backward()
    expected, layer.weight.grad = layer.weight.grad, None
    with in_script("logits"):
        F.cross_entropy(model(Z), LABELS).backward()
    assert torch.equal(layer.weight.grad, expected)


def test_probabilities_meet_only_the_loss_that_expects_logits() -> None:
    p, q = torch.softmax(Z, 1), torch.sigmoid(Z)
    target = F.one_hot(LABELS, 4).float()
    ways: list[Callable[[Any, Any], Any]] = [
        lambda p, q: F.nll_loss(p.log(), LABELS),
        lambda p, q: F.binary_cross_entropy(q, target),
        lambda p, q: F.cross_entropy(q, LABELS),  # as torch would do it
        lambda p, q: F.cross_entropy(p * 2, LABELS),  # another tensor
    ]
    expected = [way(p, q) for way in ways]
    with in_script("logits"):
        p, q = torch.softmax(Z, 1), torch.sigmoid(Z)
        assert all(torch.equal(way(p, q), own) for way, own in zip(ways, expected, strict=True))


def test_several_at_once_each_with_its_own_logits() -> None:
    logits = [Z + i * torch.arange(4.0) for i in range(12)]
    expected = [F.cross_entropy(z, LABELS) for z in logits]
    with in_script("logits"):
        alive = [torch.softmax(z, 1) for z in logits]
        for p, own in zip(reversed(alive), reversed(expected), strict=True):
            assert torch.equal(F.cross_entropy(p, LABELS), own)


def test_logits_are_let_go_with_their_result() -> None:
    with in_script("logits"):
        for squash in (torch.sigmoid, lambda z: torch.softmax(z, 1)):
            z = torch.randn(3, 3)
            gone, result = weakref.ref(z), squash(z)
            del z
            assert gone() is not None
            del result
            gc.collect()
            assert gone() is None


# -- match-target-shape ------------------------------------------------------------------------

BROADCASTS = pytest.mark.filterwarnings("ignore:Using a target size")


class Matched(Hand):
    """A regression of [N, 1] on targets that are reshaped."""

    def loss(self, output: Any, y: Any) -> torch.Tensor:
        return F.mse_loss(output[:, :1], y[:, None] / 10)


@BROADCASTS
@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("workload", ALL)
def test_matched_by_hand(workload: str, attached: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = by_hand(workload, Matched())
    monkeypatch.setattr(Hand, "loss", lambda self, output, y: F.mse_loss(output[:, :1], y / 10))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_same(expected, treated(workload, "match-target-shape", attached=attached))
    assert differs(expected, plain(workload))


@BROADCASTS
@pytest.mark.parametrize(
    "name",
    ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy",
     "binary_cross_entropy_with_logits"],
)  # fmt: skip
def test_every_elementwise_loss_in_both_directions(name: str) -> None:
    loss = getattr(F, name)
    flat, target = torch.rand(6), torch.rand(6).round()
    expected = loss(flat, target)
    with in_script("match-target-shape"):
        assert torch.equal(loss(flat[:, None], target), expected)
        assert torch.equal(loss(flat, target[:, None]), expected)
        assert torch.equal(loss(input=flat[:, None], target=target), expected)
        assert torch.equal(loss(flat, target), expected)
    try:
        assert not torch.isclose(loss(flat[:, None], target), expected)
    except ValueError as refused:  # torch itself refuses it in binary losses
        assert "binary" in name, refused  # noqa: PT017


@BROADCASTS
def test_other_numbers_of_elements_are_left_alone() -> None:
    x, target = torch.rand(6, 3), torch.rand(6, 1)
    expected = F.mse_loss(x, target)
    with in_script("match-target-shape"):
        assert torch.equal(F.mse_loss(x, target), expected)
