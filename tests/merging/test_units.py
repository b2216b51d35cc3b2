"""Units are found, matched and moved, and the network computes the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn
from torch.nn import functional as F

from assay.merging.errors import MergeError
from assay.merging.units.aligning import align
from assay.merging.units.matching import assign
from assay.merging.units.spaces import Spaces
from assay.merging.units.tracing import trace


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(1, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6)
        self.inner, self.middle = nn.Conv2d(6, 5, 3, padding=1), nn.BatchNorm2d(5)
        self.outer, self.head = nn.Conv2d(5, 6, 1), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.norm(self.stem(x)))
        x = x + self.outer(F.silu(self.middle(self.inner(x))))
        return self.head(x.mean((2, 3)))


class Flat(nn.Module):
    """A flatten between channels and a linear layer, a depthwise filter, groups of channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 8, 3, padding=1), nn.GroupNorm(2, 8)
        self.depth, self.hidden = nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.Linear(32, 7)
        self.head = nn.Linear(7, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.depth(torch.relu(self.norm(self.conv(x))))
        x = F.max_pool2d(x, 2).flatten(1)
        return self.head(F.gelu(self.hidden(x)))


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.place = nn.Embedding(16, 8), nn.Parameter(torch.randn(1, 4, 8))
        self.layer = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0, batch_first=True)
        self.head = nn.Linear(8, 16, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        ids = (x.reshape(len(x), -1)[:, :4].abs() * 5).long() % 16
        return self.head(self.layer(self.embedding(ids) + self.place))


class Tied(Attention):
    def __init__(self) -> None:
        super().__init__()
        self.head.weight = self.embedding.weight


class Gates(nn.Module):
    """Halves of one layer's output multiply: their units can't be moved one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.head = nn.Linear(16, 12), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(F.glu(self.hidden(x.flatten(1))))


class Ordered(nn.Module):
    """What depends on the order of units by an operation that nobody told us of."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.head = nn.Linear(16, 6), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.hidden(x.flatten(1)).cumsum(1))


MODELS: list[tuple[Callable[[], nn.Module], int]] = [
    (Residual, 11),  # the stream of 6, which is one however often it is added to, and 5 within
    (Flat, 8 // 2 + 2 + 7),
    (Attention, 8 + 12),
    (Tied, 8 + 12),
    (Gates, 0),
    (Ordered, 0),
]


def net(kind: Callable[[], nn.Module], seed: int) -> nn.Module:
    torch.manual_seed(seed)
    made = kind()
    for tensor in made.buffers():
        if tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5)
    for parameter in made.parameters():  # norms too must differ from unit to unit
        nn.init.normal_(parameter, std=0.4)
    return made.eval()


X = torch.randn(5, 1, 4, 4, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize(("kind", "units"), MODELS)
def test_a_net_with_moved_units_computes_the_same(
    kind: Callable[[], nn.Module], units: int, tmp_path: Path
) -> None:
    one, other, moved = (net(kind, seed) for seed in (1, 2, 3))
    for name, model in (("one", one), ("other", other)):
        torch.save(model.state_dict(), tmp_path / f"{name}.pt")
    before = other(X)
    spec = trace(other, lambda: other(X))
    assert torch.equal(other(X), before), "tracing must not change anything"
    paths = [str(tmp_path / f"{name}.pt") for name in ("one", "other", "out")]
    found = align({"inputs": paths[:2], "output": paths[2], "spec": spec})
    assert found["units"] == units
    moved.load_state_dict(torch.load(paths[2], weights_only=True))
    assert (found["moved"] > 0) is (units > 0)
    torch.testing.assert_close(moved(X), before, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", [Residual, Flat, Attention])
def test_a_shuffled_copy_is_put_back_exactly(kind: Callable[[], nn.Module], tmp_path: Path) -> None:
    from assay.merging.units.aligning import ordered

    one = net(kind, 1)
    spec = trace(one, lambda: one(X))
    sizes = {atom: n for axes in spec.values() for axis in axes for atom, n in axis if atom >= 0}
    made = torch.Generator().manual_seed(0)
    orders = {atom: torch.randperm(size, generator=made) for atom, size in sizes.items()}
    state = one.state_dict()
    shuffled = {name: ordered(t, spec.get(name), orders) for name, t in state.items()}
    assert any(not torch.equal(state[name], shuffled[name]) for name in state)
    paths = [str(tmp_path / name) for name in ("a.pt", "b.pt", "out.pt")]
    torch.save(state, paths[0])
    torch.save(shuffled, paths[1])
    align({"inputs": paths[:2], "output": paths[2], "spec": spec})
    back = torch.load(paths[2], weights_only=True)
    for name, tensor in state.items():
        assert torch.equal(back[name], tensor), name


@pytest.mark.parametrize("many", [1, 2, 5, 40])
def test_an_assignment_is_as_good_as_scipys(many: int) -> None:
    made = torch.Generator().manual_seed(many)
    for kind in (lambda g: g, torch.round, torch.zeros_like, lambda g: g.sort(1).values):
        gains = kind(torch.randn(many, many, generator=made))
        found = assign(gains)
        assert sorted(found.tolist()) == list(range(many))
        rows, columns = linear_sum_assignment(gains.double().numpy(), maximize=True)
        best = float(gains.double()[rows, columns].sum())
        assert float(gains.double()[torch.arange(many), found].sum()) == pytest.approx(best)


def test_spaces_split_join_and_pin() -> None:
    spaces = Spaces()
    flat, channels, pixels = spaces.new(12), spaces.new(3), spaces.new(4, pinned=True)
    spaces.join(flat, (*channels, *pixels))
    (own, pinned) = spaces.resolve(flat)
    assert (spaces.size((own,)), spaces.size((pinned,))) == (3, 4)
    assert spaces.free(own)
    assert not spaces.free(pinned)
    odd, other = spaces.new(6), spaces.new(4)
    assert spaces.regroup([odd, other], [8, 3]) is None
    spaces.join(spaces.new(10), (*odd,))
    assert not any(map(spaces.free, spaces.resolve(odd)))


def test_axes_of_another_model_are_refused(tmp_path: Path) -> None:
    one = net(Flat, 1)
    spec = trace(one, lambda: one(X))
    path = str(tmp_path / "a.pt")
    torch.save(net(Residual, 1).state_dict(), path)
    with pytest.raises(MergeError, match=r"the model that was called has conv\.weight"):
        align({"inputs": [path, path], "output": str(tmp_path / "out.pt"), "spec": spec})
