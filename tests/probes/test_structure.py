"""What the journal says of models, optimizers and groups, to the last field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from assay.journal.events import LOOSE_PARAMETERS, OUTSIDE_OPTIMIZER, WITHOUT_GRADIENT
from assay.probes.evaluation.averages import Averages
from assay.probes.model import structure
from assay.probes.model.structure import Structure, _module_settings, plain, shared_places

from .conftest import Watching
from .test_structure_facts import here


class Odd:
    def __str__(self) -> str:
        return "odd"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.5, 0.5), (3, 3), (True, True), ("a", "a"), (None, None), (torch.tensor(2.0), 2.0),
        (torch.ones(2), None), (torch.ones(1, 1), 1.0), ((0.9, torch.tensor(0.5)), [0.9, 0.5]),
        ([1, [2]], [1, [2]]), (Odd(), "odd"),
    ],
)  # fmt: skip
def test_settings_as_the_journal_holds_them(value: Any, expected: Any) -> None:
    assert plain(value) == expected
    assert type(plain(value)) is type(expected)


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (nn.Dropout(0.25), {"p": 0.25}),
        (nn.GroupNorm(2, 4, affine=False), {"eps": 1e-5, "affine": False, "num_groups": 2}),
        (nn.GRU(2, 2), {"dropout": 0.0, "batch_first": False, "bidirectional": False}),
        (nn.Embedding(3, 2, padding_idx=1), {"padding_idx": 1}),
        (nn.Embedding(3, 2), None),
        (nn.Linear(2, 2), None),
    ],
    ids=str,
)
def test_settings_of_layers(module: nn.Module, expected: dict[str, Any] | None) -> None:
    assert _module_settings(module) == expected


def test_what_stands_at_several_places() -> None:
    part = nn.BatchNorm1d(2)
    root = nn.Module()
    root.a, root.b = part, part
    root.weight = nn.Parameter(torch.ones(2))
    root.inner = nn.Module()
    root.inner.weight, root.inner.lonely = root.weight, nn.Parameter(torch.ones(1))
    root.register_parameter("none", None)
    root.inner.register_parameter("none", None)
    root.register_buffer("table", torch.ones(1))
    root.inner.register_buffer("copy", root.table)
    assert shared_places(root) == [
        ("parameter", ["weight", "inner.weight"]),
        ("buffer", ["table", "inner.copy"]),
        ("module", ["a", "b"]),
    ]


def lines(folder: Path, kind: str) -> list[dict[str, Any]]:
    text = "".join(p.read_text("utf-8") for p in sorted(folder.glob("run*/journal-*.jsonl")))
    every = [json.loads(line) for line in text.splitlines()]
    return [line for line in every if line["k"] == kind]


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 2), nn.Dropout(0.5))
        self.head = nn.Linear(2, 1).half().float().requires_grad_(requires_grad=False)
        self.head.weight.requires_grad_()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x))


def test_the_line_of_a_model(watched: Watching, tmp_path: Path) -> None:
    with watched(Structure):
        model, built = Net(), here()
        model.body[1].eval()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            model(torch.ones(2, 4)).sum().backward()
            called = here() - 1
            optimizer.step()
    (line,) = lines(tmp_path, "model")
    assert (line["root"], line["prefix"], line["cls"], line["site"][1]) == (
        "Net",
        "",
        "Net",
        called,
    )
    inside = Net.__init__.__code__.co_firstlineno
    sites = [site[1] for site in line["sites"]]
    assert sites == [built, inside + 2, inside + 3]
    assert line["modules"] == [
        ["Net", "Net", True, 0, None],
        ["body", "Sequential", True, 1, None],
        ["body.0", "Linear", True, 1, None],
        ["body.1", "Dropout", False, 1, {"p": 0.5}],
        ["head", "Linear", True, 2, None],
    ]
    assert line["parameters"] == [
        ["body.0.weight", [2, 4], "float32", True],
        ["body.0.bias", [2], "float32", True],
        ["head.weight", [1, 2], "float32", True],
        ["head.bias", [1], "float32", False],
    ]
    assert line["shared"] == []


def test_a_second_model_has_a_prefix(watched: Watching, tmp_path: Path) -> None:
    with watched(Structure):
        first, second = nn.Sequential(nn.Linear(2, 2)), nn.Sequential(nn.Linear(2, 2))
        twice = nn.Sequential(second[0], second[0])
        optimizer = torch.optim.SGD([*first.parameters(), *second.parameters()], lr=0.1)
        twice(second(first(torch.ones(1, 2)))).sum().backward()
        optimizer.step()
    one, two, three = lines(tmp_path, "model")
    assert (one["prefix"], one["modules"][1][0], one["parameters"][0][0]) == ("", "0", "0.weight")
    assert two["prefix"] == "Sequential."
    assert two["root"] == "Sequential"
    assert [module[0] for module in two["modules"]] == ["Sequential", "Sequential.0"]
    assert two["parameters"][0][0] == "Sequential.0.weight"
    (shared,) = three["shared"]
    assert shared == ["module", [f"{three['prefix']}0", f"{three['prefix']}1"]]


def test_models_are_bounded(
    watched: Watching, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(structure, "MODULES_AT_MOST", 2)
    with watched(Structure):
        model = Net()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        model(torch.ones(2, 4)).sum().backward()
        optimizer.step()
    (line,) = lines(tmp_path, "model")
    assert [module[0] for module in line["modules"]] == ["Net", "body"]
    assert len(line["parameters"]) == 2


def test_the_line_of_an_optimizer(watched: Watching, tmp_path: Path) -> None:
    with watched(Structure):
        model, loose = nn.Linear(4, 2), nn.Parameter(torch.ones(3))
        groups = [{"params": [model.weight], "lr": 0.5}, {"params": [model.bias, loose]}]
        built = here() + 1
        optimizer = torch.optim.Adam(groups, lr=torch.tensor(0.25), betas=(0.5, 0.75))
        for _ in range(3):
            (model(torch.ones(1, 4)).sum() + loose.sum()).backward()
            optimizer.step()
            stepped = here() - 1
    (line,) = lines(tmp_path, "optimizer")
    assert (line["o"], line["built"], line["cls"], line["began"]) == (0, 0, "Adam", 0)
    assert (line["site"][1], line["step_site"][1]) == (built, stepped)
    first, second = line["groups"]
    assert (first["names"], first["elements"], first["lr"]) == (["weight"], 8, 0.5)
    assert second["names"] == ["bias", "group 1 parameter 1"]
    assert (second["elements"], second["lr"], second["betas"]) == (5, 0.25, [0.5, 0.75])
    assert "params" not in first
    assert "momentum" not in first


def test_an_optimizer_is_written_anew_when_its_groups_change(
    watched: Watching, tmp_path: Path
) -> None:
    with watched(Structure):
        a, b = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(3))
        optimizer = torch.optim.SGD([a], lr=0.1)
        for number in range(6):
            if number == 3:
                optimizer.add_param_group({"params": [b]})
            (a.sum() + b.sum()).backward()
            optimizer.step()
    found = [[g["elements"] for g in line["groups"]] for line in lines(tmp_path, "optimizer")]
    assert found == [[2], [2, 3]]


def train(
    model: Any, optimizer: torch.optim.Optimizer, loss: Any, steps: int = 2, **more: Any
) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()


def test_parameters_without_a_gradient(watched: Watching) -> None:
    with watched(Structure) as seen:
        model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 1))
        model[1].requires_grad_(requires_grad=False)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for parts in (2, 2, 3, 2):
            optimizer.zero_grad()
            x = torch.ones(1, 2)
            for part in model[:parts]:
                x = part(x)
            x.sum().backward()
            optimizer.step()
    found = [(event.step, dict(event.data)) for event in seen.view.events(WITHOUT_GRADIENT)]
    missing = {"names": ["2.weight", "2.bias"], "count": 2, "of": 4}
    none = {"names": [], "count": 0, "of": 4}
    assert [facts for _, facts in found] == [missing, none, missing]
    assert [step for step, _ in found] == [0, 2, 3]


def test_parameters_outside_of_every_optimizer(watched: Watching) -> None:
    with watched(Structure) as seen:
        model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 3), nn.Linear(3, 1))
        model[2].bias.requires_grad_(requires_grad=False)
        waits = torch.optim.SGD(model[1].parameters(), lr=0.1)
        optimizer = torch.optim.SGD(model[0].parameters(), lr=0.1)
        twin = nn.Sequential(model)
        for number in range(4):
            model.zero_grad()
            twin(torch.ones(1, 2)).sum().backward()
            model(torch.ones(1, 2)).sum().backward()
            if number == 2:
                model[2].weight.grad = None
            optimizer.step()
        assert waits.param_groups
    found = [(event.step, dict(event.data)) for event in seen.view.events(OUTSIDE_OPTIMIZER)]
    (one, first), (two, none), (three, again) = found
    assert (one, two, three) == (0, 2, 3)
    assert (first["count"], first["elements"], len(first["names"])) == (1, 3, 1)
    assert first["names"][0].endswith("2.weight")
    assert none == {"names": [], "count": 0, "elements": 0, "thawed": 0}
    assert again == first
    norms = seen.view.trainings[0].series("outside_weight_norm")
    expected = float(model[2].weight.detach().double().norm())
    assert list(norms.steps) == [0, 1, 3]
    assert norms.last == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("training", [True, False])
def test_layers_in_a_plain_list_that_were_met_alone(watched: Watching, training: bool) -> None:
    class Coder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = [nn.Linear(2, 2).train(training)]
            self.decoder = nn.Linear(2, 2)

    with watched(Structure) as seen:
        model = Coder()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(4):
            optimizer.zero_grad()
            model.decoder(model.encoder[0](torch.ones(1, 2))).sum().backward()
            optimizer.step()
    loose = list(seen.view.events(LOOSE_PARAMETERS))
    outside = list(seen.view.events(OUTSIDE_OPTIMIZER))
    assert bool(loose) == training
    if training:
        assert loose[-1].data["names"] == ["Linear.weight", "Linear.bias"]
        assert loose[-1].data["by"][2] == "__init__"
        assert not outside or not outside[-1].data["count"]


def test_what_an_optimizer_of_an_earlier_training_held(watched: Watching) -> None:
    with watched(Structure) as seen:
        model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 3))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for number in range(9):
            if number == 3:  # from here on the head alone
                model[0].weight.requires_grad_(requires_grad=False)
                optimizer = torch.optim.SGD(model[1].parameters(), lr=0.1)
            if number == 6:
                model[0].weight.requires_grad_(requires_grad=True)
            model.zero_grad()
            model(torch.ones(1, 2)).sum().backward()
            optimizer.step()
    (event,) = seen.view.events(OUTSIDE_OPTIMIZER)
    assert event.step == 6 - 3
    assert event.data["names"] == ["0.weight"]  # the bias was never frozen: it may be meant to stay
    assert event.data["thawed"] == 1


def test_lazy_layers_have_shapes_once_they_were_called(watched: Watching) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.idle = nn.LazyLinear(3), nn.LazyLinear(3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.used(x)

    model = Net()
    with watched(Structure, Averages) as seen:
        model(torch.ones(2, 5))  # has no shapes before
        optimizer = torch.optim.SGD(model.used.parameters(), 0.1)
        for _ in range(2):
            optimizer.zero_grad()
            model(torch.ones(2, 5)).sum().backward()
            optimizer.step()
    assert not seen.view.errors
    assert {p.name: tuple(p.shape) for p in seen.view.parameters} == {
        "used.weight": (3, 5), "used.bias": (3,),
    }  # fmt: skip
