"""The weights below a loss, and what a scaled loss was."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch

from assay.watching import leaves, scaled
from assay.watching.leaves import Leaf, leaves_below
from assay.watching.scaled import ScaledLosses


def weight(size: int = 2) -> torch.Tensor:
    return torch.ones(size, requires_grad=True)


def test_leaves_of_a_graph_each_once() -> None:
    a, b, c = weight(), weight(), weight()
    shared = a * b
    first, second = (shared + a).sum(), (shared * c.detach()).sum()
    found = leaves_below([first, second, 3, torch.ones(2), None])
    assert len(found) == 2
    assert {id(leaf) for leaf in found} == {id(a), id(b)}
    assert leaves_below([]) == []
    assert leaves_below([a]) == [], "a leaf has no graph below it"


def test_a_graph_that_is_too_long_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    a, x = weight(), torch.ones(2)
    for _ in range(10):
        x = x * a
    monkeypatch.setattr(leaves, "NODES_AT_MOST", 1)
    assert leaves_below([x]) == []


def test_whether_a_leaf_has_changed() -> None:
    tensor = weight(3)
    leaf = Leaf(tensor)
    assert (leaf.elements, leaf.changed()) == (3, False)
    leaf.before = tensor.detach().clone()
    assert leaf.changed() is False
    with torch.no_grad():
        tensor[1] = 5.0
    assert leaf.changed() is True
    gone = weakref.ref(tensor)
    del tensor
    gc.collect()
    assert gone() is None
    assert leaf.changed() is False


def test_a_scaled_loss_stands_for_what_it_was() -> None:
    known = ScaledLosses()
    loss, other = torch.tensor(2.0), torch.tensor([[3.0]])
    big, bigger, parts = loss * 8, other * 8, torch.ones(2) * 8
    known.on_scaled(loss, big)
    known.on_scaled(other, bigger)
    known.on_scaled(torch.ones(2), parts)
    known.on_scaled(5.0, 40.0)
    assert (known.value(big), known.value(bigger)) == (2.0, 3.0)
    assert known.value(torch.tensor(16.0)) == 16.0
    again = big / 2
    known.on_scaled(big, again)
    assert known.value(again) == 2.0, "what was scaled and then divided is still the loss"


def test_the_last_few_losses_are_remembered_and_none_is_kept_alive() -> None:
    known = ScaledLosses()
    kept = [torch.tensor(float(i)) for i in range(scaled.REMEMBERED + 3)]
    for loss in kept:
        known.on_scaled(loss - 100, loss)
    values = [known.value(loss) for loss in kept]
    assert values == [0.0, 1.0, 2.0, *[i - 100.0 for i in range(3, scaled.REMEMBERED + 3)]]
    assert len(known.known) == scaled.REMEMBERED
    gone = weakref.ref(kept[-1])
    del kept, loss
    gc.collect()
    assert gone() is None


def test_a_loss_elsewhere_is_not_read() -> None:
    found = scaled.number(torch.ones(1, device="meta"))
    assert isinstance(found, torch.Tensor)
    assert found.shape == ()
