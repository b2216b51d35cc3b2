"""Which outputs count as units, as saturated, and as a module's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay.probes.model.activations import BACK_AT_MOST, Activations, _sources

pytestmark = pytest.mark.usefixtures("no_haste")


class Saturating(nn.Module):
    """Gives `x` through an activation to a layer, by a way of its own."""

    def __init__(self, way: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(1, 1, bias=False), nn.Linear(1, 1)
        self.way = way
        nn.init.ones_(self.first.weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.way(self.first(x)))


def trained(model: nn.Module, *inputs: Tensor, steps: int = 1) -> None:
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.0)
    for _ in range(steps):
        optimizer.zero_grad()
        result = model(*inputs)
        (result[0] if isinstance(result, tuple) else result).sum().backward()
        optimizer.step()


def saturated(watched: Any, way: Callable[[Tensor], Tensor], x: list[float]) -> list[float]:
    with watched(Activations) as seen:
        trained(Saturating(way), torch.tensor(x).unsqueeze(1))
    signals = seen.view.trainings[0].signals.get("activation_saturated_share", {})
    return [value for series in signals.values() for value in series.values]


@pytest.mark.parametrize(
    ("way", "inside", "outside"),
    [
        (lambda x: torch.sigmoid(x), [-4.59, 0.0, 4.59], [-4.6, 4.6]),  # log(0.99 / 0.01) = 4.595
        (lambda x: torch.tanh(x), [-2.29, 0.0, 2.29], [-2.3, 2.3]),  # atanh(0.98) = 2.298
        (F.hardsigmoid, [-2.93, 0.0, 2.93], [-2.95, 2.95]),  # 3 - 6 / 100 = 2.94
        (nn.Sigmoid(), [-4.59, 0.0, 4.59], [-4.6, 4.6]),
    ],
)
def test_saturated_is_within_a_hundredth_of_the_range(
    watched: Any, way: Any, inside: list[float], outside: list[float]
) -> None:
    assert saturated(watched, way, inside) == [0.0]
    assert saturated(watched, way, outside) == [1.0]
    assert saturated(watched, way, [*inside, *outside]) == [pytest.approx(0.4)]


@pytest.mark.parametrize(
    "way",
    [
        lambda x: torch.sigmoid(x).view(-1, 1).clone(),
        lambda x: torch.sigmoid(x) * 3 + 1,
        lambda x: x + torch.sigmoid(x),
        lambda x: torch.cat([torch.sigmoid(x)], 1),
    ],
)
def test_what_only_moves_the_output_is_looked_through(watched: Any, way: Any) -> None:
    assert saturated(watched, way, [0.0, 9.0]) == [0.5]


@pytest.mark.parametrize(
    "way",
    [
        lambda x: x * torch.sigmoid(x),  # a gate
        lambda x: torch.tanh(x) * torch.sigmoid(x),
        F.relu,
        lambda x: torch.sigmoid(x.detach()),  # nothing before it is trained
    ],
)
def test_gates_and_what_nothing_trained_stands_before_do_not_count(watched: Any, way: Any) -> None:
    assert saturated(watched, way, [0.0, 9.0]) == []


def test_the_last_activation_is_given_to_no_layer(watched: Any) -> None:
    with watched(Activations) as seen:
        trained(nn.Sequential(nn.Linear(1, 2), nn.Tanh()), torch.ones(4, 1) * 99)
    assert seen.view.trainings[0].places("activation_saturated_share") == ()


def test_sources_come_nearest_first_and_each_once() -> None:
    x = torch.ones(2, requires_grad=True)
    a = x.exp()
    nodes = [node.name() for node in _sources((a + 1).sin() + a)]
    assert nodes == [
        "AddBackward0",
        "SinBackward0",
        "ExpBackward0",
        "AddBackward0",
        "struct torch::autograd::AccumulateGrad",
    ] or (nodes[:2] == ["AddBackward0", "SinBackward0"] and nodes.count("ExpBackward0") == 1)
    long = x
    for _ in range(40):
        long = long.sin()
    assert len(list(_sources(long))) == BACK_AT_MOST
    assert list(_sources(x)) == []


def test_the_first_of_several_outputs_counts(watched: Any) -> None:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            self.seen = self.lstm(x)
            return self.seen[0]

    torch.manual_seed(0)
    model, x = Recurrent(), torch.randn(5, 2, 4)
    with watched(Activations) as seen:
        trained(model, x)
    spread = seen.view.trainings[0].series("activation_std", "lstm").first
    output = model.seen[0].detach().double()
    assert spread == pytest.approx(float(output.std(correction=0)), rel=1e-5)


@pytest.mark.parametrize("kind", ["one number", "whole numbers", "sparse", "none"])
def test_outputs_without_a_spread_are_left_out(watched: Any, kind: str) -> None:
    class Part(nn.Module):
        def forward(self, x: Tensor) -> Any:
            return {
                "one number": x.sum(),
                "whole numbers": x.long(),
                "sparse": x.to_sparse(),
                "none": None,
            }[kind]

    class Whole(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.part = nn.Linear(3, 3), Part()

        def forward(self, x: Tensor) -> Tensor:
            x = self.first(x)
            self.part(x)
            return x

    with watched(Activations) as seen:
        trained(Whole(), torch.ones(4, 3))
    assert seen.view.trainings[0].places("activation_std") == ("first",)


def units(watched: Any, model: nn.Module, x: Tensor, steps: int = 16) -> dict[str, list[float]]:
    with watched(Activations) as seen:
        trained(model, x, steps=steps)
    signals = seen.view.trainings[0].signals.get("dead_unit_share", {})
    return {place: list(series.values) for place, series in signals.items()}


def layer(inputs: int, outputs: int, dead: int) -> nn.Linear:
    made = nn.Linear(inputs, outputs)
    nn.init.zeros_(made.weight)
    nn.init.ones_(made.bias)
    made.bias.data[:dead] = -1.0
    return made


def test_a_unit_is_dead_after_sixteen_samples(watched: Any) -> None:
    model = nn.Sequential(layer(2, 5, 2), nn.ReLU(), nn.Linear(5, 1))
    assert units(watched, model, torch.ones(3, 2), 15) == {}
    assert units(watched, model, torch.ones(3, 2), 17) == {"1": [pytest.approx(0.4)] * 2}


@pytest.mark.parametrize("activation", [nn.ReLU6(), nn.ReLU(inplace=True)])
def test_other_one_sided_activations_have_units(watched: Any, activation: nn.Module) -> None:
    model = nn.Sequential(layer(2, 5, 1), activation, nn.Linear(5, 1))
    assert units(watched, model, torch.ones(3, 2)) == {"1": [pytest.approx(0.2)]}


def test_two_sided_ones_have_none(watched: Any) -> None:
    model = nn.Sequential(layer(2, 5, 1), nn.LeakyReLU(), nn.Linear(5, 1))
    assert units(watched, model, torch.ones(3, 2)) == {}


def test_a_unit_of_a_picture_is_a_channel(watched: Any) -> None:
    first = nn.Conv2d(1, 4, 1)
    nn.init.zeros_(first.weight)
    first.bias.data = torch.tensor([1.0, -1.0, 1.0, 1.0])
    model = nn.Sequential(first, nn.ReLU(), nn.Flatten(), nn.Linear(4 * 9, 1))
    assert units(watched, model, torch.ones(2, 1, 3, 3)) == {"1": [0.25]}


def test_a_unit_of_a_sequence_is_the_last_dimension(watched: Any) -> None:
    model = nn.Sequential(layer(2, 5, 1), nn.ReLU(), nn.Linear(5, 1))
    assert units(watched, model, torch.ones(3, 7, 2)) == {"1": [pytest.approx(0.2)]}


def test_one_activation_behind_layers_of_two_widths_is_two_places(watched: Any) -> None:
    act = nn.ReLU()
    model = nn.Sequential(layer(2, 5, 1), act, layer(5, 4, 2), act, nn.Linear(4, 1))
    assert units(watched, model, torch.ones(3, 2)) == {
        "1": [pytest.approx(0.2)],
        "1 [4]": [pytest.approx(0.5)],
    }


def test_a_unit_that_lives_in_one_of_two_calls_lives(watched: Any) -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.act, self.last = layer(1, 2, 0), nn.ReLU(), nn.Linear(2, 1)
            self.first.weight.data = torch.tensor([[2.0], [-2.0]])

        def forward(self, x: Tensor) -> Tensor:
            return self.last(self.act(self.first(x))) + self.last(self.act(self.first(-x)))

    assert units(watched, Twice(), torch.ones(3, 1)) == {"act": [0.0]}


def test_a_function_behind_the_last_layer_has_no_units(watched: Any) -> None:
    class Ends(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = layer(2, 5, 1)

        def forward(self, x: Tensor) -> Tensor:
            return F.relu(self.first(x))

    assert units(watched, Ends(), torch.ones(3, 2)) == {}


def test_a_frozen_layer_needs_no_units(watched: Any) -> None:
    first = layer(2, 5, 1).requires_grad_(False)
    model = nn.Sequential(first, nn.ReLU(), nn.Linear(5, 1))
    assert units(watched, model, torch.ones(3, 2)) == {}


def test_kinds_are_told_once(watched: Any) -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.act, self.last = nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.last(torch.tanh(self.act(self.first(x))))

    with watched(Activations) as seen:
        trained(Both(), torch.ones(3, 2), steps=3)
    kinds = {
        e.data["place"].split(" (")[0]: e.data["of"] for e in seen.view.events("activation_kind")
    }
    assert kinds == {"first": "Linear", "act": "ReLU", "tanh": "tanh", "last": "Linear"}
    assert len(list(seen.view.events("activation_kind"))) == 4


def test_a_forward_that_failed_leaves_nothing_behind(watched: Any) -> None:
    class Fails(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.act, self.last = layer(2, 5, 5), nn.ReLU(), nn.Linear(5, 1)
            self.fail = True

        def forward(self, x: Tensor) -> Tensor:
            x = self.act(self.first(x))
            if self.fail:
                raise ValueError("no")
            return self.last(x)

    torch.manual_seed(0)
    model = Fails()
    other = nn.Linear(2, 1)
    with watched(Activations) as seen:
        optimizer = torch.optim.SGD([*model.parameters(), *other.parameters()], lr=0.0)
        for _ in range(2):
            with pytest.raises(ValueError, match="no"):
                model(torch.ones(3, 2))
            optimizer.zero_grad()
            other(torch.ones(3, 2)).sum().backward()
            optimizer.step()
    assert set(seen.view.trainings[0].places("activation_std")) >= {"first", "act"}
