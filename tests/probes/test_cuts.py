"""Parameters that run and get no gradient: what is said of them, and where their graph was cut."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from assay.journal.events import GRAPH_CUT
from assay.journal.view import RunView
from assay.probes.gradient.cuts import Cuts, _rank
from assay.probes.model.structure import Structure

from .conftest import Watching

X = torch.randn(16, 6, generator=torch.Generator().manual_seed(1))
Between = Callable[[Any, torch.Tensor], torch.Tensor]


class Net(nn.Module):
    """Two layers, and what lies between them."""

    def __init__(self, between: Between) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = nn.Linear(6, 6), nn.Linear(6, 1)
        self.scale = nn.Parameter(torch.tensor(2.0))
        self.between = between

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.between(self, x)) * self.scale


def train(net: nn.Module, steps: int = 6, lr: float = 0.1) -> None:
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        net(X).square().mean().backward()
        optimizer.step()


def cuts(view: RunView) -> list[tuple[str | None, str, list[str]]]:
    """How, the source of the line, and the names."""
    found = []
    for event in view.events(GRAPH_CUT):
        line = ""
        if event.data["by"] is not None:
            file, number, _ = event.data["by"]
            line = Path(file).read_text(encoding="utf-8").splitlines()[number - 1].strip()
        assert event.data["traces"] == 2
        assert event.data["count"] == len(event.data["names"])
        found.append((event.data["how"], line, event.data["names"]))
    return found


def by_detach(net: Any, x: torch.Tensor) -> torch.Tensor:
    return net.first(x).detach()


def by_data(net: Any, x: torch.Tensor) -> torch.Tensor:
    return net.first(x).data


def by_numpy(net: Any, x: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(net.first(x).detach().numpy())


def by_list(net: Any, x: torch.Tensor) -> torch.Tensor:
    return torch.tensor(net.first(x).tolist())


def by_copy(net: Any, x: torch.Tensor) -> torch.Tensor:
    return torch.tensor(net.first(x))


def by_comparison(net: Any, x: torch.Tensor) -> torch.Tensor:
    return (net.first(x) > 0).float()


def by_choice(net: Any, x: torch.Tensor) -> torch.Tensor:
    return nn.functional.one_hot(torch.argmax(net.first(x), 1), 6).float()


def without(net: Any, x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return net.first(x)


def checkpointed(net: Any, x: torch.Tensor) -> torch.Tensor:
    return checkpoint(net.first, x, use_reentrant=True)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("between", "how", "line"),
    [
        (by_detach, "detach", "return net.first(x).detach()"),
        (by_data, "data", "return net.first(x).data"),
        (by_numpy, "detach", "return torch.from_numpy(net.first(x).detach().numpy())"),
        (by_list, "tolist", "return torch.tensor(net.first(x).tolist())"),
        (by_copy, "tensor", "return torch.tensor(net.first(x))"),
        (by_comparison, "comparison", "return (net.first(x) > 0).float()"),
        (
            by_choice,
            "argmax",
            "return nn.functional.one_hot(torch.argmax(net.first(x), 1), 6).float()",
        ),
        (without, "no_grad", "with torch.no_grad():"),
        (checkpointed, "checkpoint", "return checkpoint(net.first, x, use_reentrant=True)"),
    ],
)
def test_each_way_to_cut_a_graph(watched: Watching, between: Between, how: str, line: str) -> None:
    with watched(Structure, Cuts) as seen:
        train(Net(between))
    assert cuts(seen.view) == [(how, line, ["first.weight", "first.bias"])]
    norms = seen.view.trainings[0].series("ungraded_weight_norm", "first.weight")
    expected = Net(between).first.weight.detach().double().norm().item()
    assert len(norms) >= 2
    assert list(norms.values) == pytest.approx([expected] * len(norms), rel=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_a_parameter_that_is_only_read_as_a_number(watched: Watching) -> None:
    class Scaled(Net):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(self.first(x)) * float(self.scale)

    with watched(Structure, Cuts) as seen:
        train(Scaled(by_detach))
    line = "return self.last(self.first(x)) * float(self.scale)"
    assert cuts(seen.view) == [("__float__", line, ["scale"])]


def test_a_region_without_gradients_inside_the_module_itself(watched: Watching) -> None:
    class Scaled(Net):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            with torch.no_grad():
                scale = self.scale.exp()
            return self.last(self.first(x)) * scale

    with watched(Structure, Cuts) as seen:
        train(Scaled(by_detach))
    assert cuts(seen.view) == [("no_grad", "with torch.no_grad():", ["scale"])]


def test_what_is_computed_and_not_used_has_no_cut(watched: Watching) -> None:
    def unused(net: Any, x: torch.Tensor) -> torch.Tensor:
        net.first(x)
        return x

    with watched(Structure, Cuts) as seen:
        train(Net(unused))
    assert cuts(seen.view) == [(None, "", ["first.weight", "first.bias"])]


def test_a_log_that_is_detached_is_not_the_cut_of_more_than_its_own(watched: Watching) -> None:
    """Of several lines a parameter's is the one that takes the most with it."""

    def logged(net: Any, x: torch.Tensor) -> torch.Tensor:
        bias = net.first.bias.detach()
        assert bias.shape == (6,)
        return net.first(x).detach()

    with watched(Structure, Cuts) as seen:
        train(Net(logged))
    assert cuts(seen.view) == [
        ("detach", "return net.first(x).detach()", ["first.weight", "first.bias"])
    ]


def idle(net: Any, x: torch.Tensor) -> torch.Tensor:
    return x


def in_evaluation_mode(net: Any, x: torch.Tensor) -> torch.Tensor:
    return net.first.eval()(x).detach()


def frozen(net: Any, x: torch.Tensor) -> torch.Tensor:
    return net.first.requires_grad_(False)(x).detach()


@pytest.mark.parametrize("between", [idle, in_evaluation_mode, frozen])
def test_what_does_not_run_or_is_not_to_learn_is_left_out(
    watched: Watching, between: Between
) -> None:
    with watched(Structure, Cuts) as seen:
        train(Net(between))
    assert cuts(seen.view) == []
    assert seen.view.trainings[0].places("ungraded_weight_norm") == ()


def test_loaded_weights_are_left_out_and_new_ones_beside_them_are_not(watched: Watching) -> None:
    with watched(Structure, Cuts) as seen:
        net = Net(by_detach)
        net.load_state_dict({"first.weight": torch.ones(6, 6)}, strict=False)
        train(net)
    assert [names for _, _, names in cuts(seen.view)] == [["first.bias"]]


def test_the_second_training_of_a_process_is_followed_too(watched: Watching) -> None:
    with watched(Structure, Cuts) as seen:
        train(Net(lambda net, x: net.first(x)), steps=40)
        train(Net(by_detach))
    (event,) = seen.view.events(GRAPH_CUT)
    assert event.training == 1


def test_nothing_of_it_is_left_and_the_weights_are_the_same(watched: Watching) -> None:
    before = {name: vars(torch.Tensor).get(name) for name in ("detach", "item", "data", "tolist")}
    plain, seen_by_us = Net(by_numpy), Net(by_numpy)
    train(plain)
    with watched(Structure, Cuts):
        train(seen_by_us)
    assert {name: vars(torch.Tensor).get(name) for name in before} == before
    for one, other in zip(plain.parameters(), seen_by_us.parameters(), strict=True):
        assert torch.equal(one, other)


def test_data_can_be_written_while_the_seam_is_there(watched: Watching) -> None:
    def written(net: Any, x: torch.Tensor) -> torch.Tensor:
        net.first.weight.data = net.first.weight.data * 1.5
        return net.first(x).detach()

    with watched(Structure, Cuts) as seen:
        net = Net(written)
        first = net.first.weight.detach().clone()
        train(net)
    torch.testing.assert_close(net.first.weight, first * 1.5**6, check_dtype=True)
    norms = seen.view.trainings[0].series("ungraded_weight_norm", "first.weight")
    assert len(set(norms.values)) == len(norms)


@pytest.mark.parametrize("listed", [True, False])
def test_a_list_of_numbers_between_two_models_is_a_cut_and_one_for_a_log_is_none(
    watched: Watching, listed: bool
) -> None:
    """No call of a model is under way where a loop passes numbers from one model to another."""
    torch.manual_seed(0)
    encoder, head, idle = nn.Linear(6, 4), nn.Linear(4, 1), nn.Linear(4, 1)
    parts = [encoder, head] if listed else [encoder, head, idle]
    optimizer = torch.optim.SGD([p for part in parts for p in part.parameters()], lr=0.1)
    with watched(Structure, Cuts) as seen:
        for _ in range(6):
            code = encoder(X)
            if listed:
                code = torch.tensor(code.tolist())
            else:
                idle(code).tolist()
            optimizer.zero_grad()
            head(code).square().mean().backward()
            optimizer.step()
    ((how, line, names),) = cuts(seen.view)
    assert how == ("tolist" if listed else None)
    assert line == ("code = torch.tensor(code.tolist())" if listed else "")
    assert len(names) == 2


def test_what_cuts_for_sure_counts_before_what_only_reads() -> None:
    ways = ("item", "argmax", "comparison", "__float__", "no_grad within", "detach", "no_grad")
    assert [_rank(how) for how in ways] == [0, 0, 0, 0, 1, 2, 2]
