"""Names of what stands around a model, and of models that hold themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from assay.probes.data.batches import Batches
from assay.probes.evaluation.held_out import HeldOut
from assay.watching.names import Names


def test_modules_in_a_circle_are_named() -> None:
    parent, child = nn.Linear(2, 2), nn.Linear(2, 2)
    parent.child, child.parent = child, parent
    names = Names()
    (root,) = names.add_root(parent)
    assert {names.parameter(p) for p in parent.parameters()} <= {
        "weight", "bias", "child.weight", "child.bias", "parent.weight", "parent.bias"
    }  # fmt: skip
    assert names.module(root) is not None


def test_a_shared_parameter_has_its_first_name() -> None:
    model = nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.Linear(2, 2)})
    model["b"].weight = model["a"].weight
    names = Names()
    names.add_root(model)
    assert names.parameter(model["b"].weight) == "a.weight"


@pytest.fixture
def process_group(tmp_path: Path) -> Any:
    address = f"file://{tmp_path}/meeting"
    torch.distributed.init_process_group("gloo", init_method=address, rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize("around", [nn.DataParallel, nn.parallel.DistributedDataParallel])
def test_inputs_of_a_wrapped_model_are_measured(
    watched: Any, no_haste: None, process_group: None, around: Any
) -> None:
    model = around(nn.Sequential(nn.Linear(4, 2)))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    x = torch.arange(64.0).reshape(16, 4)
    with watched(Batches, HeldOut) as seen:
        for _ in range(3):
            optimizer.zero_grad()
            model(x).square().mean().backward()
            optimizer.step()
            model.eval()
            with torch.no_grad():
                model(x + 1)
            model.train()
    (training,) = seen.view.trainings
    assert training.series("input_mean", "input 0").first == pytest.approx(31.5)
    assert training.series("eval_input_mean", "input 0").first == pytest.approx(32.5)


def test_what_a_model_computed_is_no_data(watched: Any, no_haste: None) -> None:
    torch.manual_seed(0)
    body, head, frozen = nn.RNN(4, 4, batch_first=True), nn.Linear(4, 2), nn.Linear(4, 2)
    for parameter in body.parameters():
        parameter.data.mul_(1e30)
    for parameter in frozen.parameters():
        parameter.requires_grad_(False)
    optimizer = torch.optim.SGD([*body.parameters(), *head.parameters()], 0.1)
    x = torch.ones(16, 3, 4)
    with watched(Batches) as seen:
        for _ in range(3):
            optimizer.zero_grad()
            features, hidden = body(x)
            loss = head(hidden[0]).mean() + head(hidden[0].detach()).mean()
            (loss + frozen(features[:, 0]).mean() + head(x[:, 0]).mean()).backward()
            optimizer.step()
    (training,) = seen.view.trainings
    assert set(training.places("input_mean")) == {"input 0", "Linear.input 0"}
    assert list(training.series("input_mean", "Linear.input 0").values) == [1.0] * 3


def test_the_largest_module_around_several() -> None:
    whole = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)))
    other = nn.Sequential(nn.Linear(2, 2))
    parts = [whole[0], whole[1][1], whole[1]]
    found = Names()._outermost([*parts, other[0], nn.ReLU()])
    assert [any(one is known for known in found) for one in (whole, other)] == [True, True]
    assert len(found) == 3
    assert Names()._outermost([]) == []


def test_models_of_one_class_have_numbers() -> None:
    models = [nn.Linear(2, 1) for _ in range(4)]
    names = Names()
    for model in models:
        assert names.add_root(model) == [model]
        assert names.add_root(model) == []
    assert [names.prefix(model) for model in models] == ["", "Linear.", "Linear#2.", "Linear#3."]
    assert [names.module(model) for model in models] == [
        "Linear", "Linear", "Linear#2", "Linear#3"
    ]  # fmt: skip
    assert names.parameter(models[3].bias) == "Linear#3.bias"
    assert names.parameter(nn.Parameter(torch.ones(1))) is None
    assert names.module(nn.ReLU()) is None


def test_a_root_that_is_part_of_a_later_one() -> None:
    inner = nn.Linear(2, 1)
    names = Names()
    names.add_root(inner)
    outer = nn.Sequential(inner, nn.Linear(1, 1))
    names.add_root(outer)
    assert (names.roots, names.prefix(outer)) == ([outer], "")
    assert names.module(inner) == "Linear", "as it was called first"
    assert names.parameter(outer[1].weight) == "1.weight"
    outer.append(nn.Linear(1, 1))
    assert names.parameter(outer[2].weight) is None
    names.rescan()
    assert names.parameter(outer[2].weight) == "2.weight"
