"""Facts about what was built: lines of modules, what is shared, layer settings, optimizers."""

from __future__ import annotations

import copy
import inspect
import json
import weakref
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from assay.journal.reader import read_run
from assay.journal.view import RunView, Shared
from assay.probes.model.structure import Structure, shared_places
from assay.probes.optimizer.optimizers import Optimizers
from assay.watching.build_sites import SWEPT_AT_LEAST, BuildSites

from .conftest import Watching


def here() -> int:
    """The line that calls this."""
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


def train(model: nn.Module, steps: int = 2, width: int = 6) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.ones(2, width)).sum().backward()
        optimizer.step()


def lines(view: RunView) -> dict[str, int | None]:
    assert all(m.site is None or m.site.file == __file__ for m in view.modules)
    return {m.name: None if m.site is None else m.site.line for m in view.modules}


class Block(nn.Module):
    def __init__(self, depth: int) -> None:
        super().__init__()
        self.linear, self.linear_line = nn.Linear(6, 6), here()
        if depth:
            self.inner, self.inner_line = Block(depth - 1), here()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.linear(x)
        return self.inner(x) if hasattr(self, "inner") else x


class Deeper(Block):
    def __init__(self) -> None:
        super().__init__(1)


def test_modules_know_the_line_that_built_them(watched: Watching) -> None:
    with watched(Structure) as seen:
        model, built = Deeper(), here()
        train(model)
    assert lines(seen.view) == {
        "Deeper": built,
        "linear": model.linear_line,
        "inner": model.inner_line,
        "inner.linear": model.linear_line,
    }


def test_what_torch_builds_and_copies_has_the_line_of_what_is_around_it(watched: Watching) -> None:
    with watched(Structure) as seen:
        layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
        model, built = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), here()
        train(model.requires_grad_(), width=4)
    found = lines(seen.view)
    assert len(found) > 20
    assert set(found.values()) == {built}


def test_a_copied_model_has_no_line_and_one_of_many_lines_has_one_each(watched: Watching) -> None:
    model = nn.Sequential(nn.Linear(6, 6))
    with watched(Structure) as seen:
        train(copy.deepcopy(model))
    assert set(lines(seen.view).values()) == {None}
    with watched(Structure) as seen:
        first = here() + 2
        model = nn.Sequential(
            nn.Linear(6, 6),
            nn.ReLU(),
        )
        train(model)
    assert lines(seen.view)["0"] == first
    assert lines(seen.view)["1"] == first + 1


def test_nothing_is_kept_alive_and_nothing_of_the_users_is_called() -> None:
    class Odd(nn.Module):
        __hash__ = None  # type: ignore[assignment]

        def __eq__(self, other: object) -> bool:
            raise AssertionError

    sites, module = BuildSites(), Odd()
    sites.note(module)
    found = sites.site(module)
    assert found is not None
    assert found[0] == __file__
    dead = weakref.ref(module)
    del module
    assert dead() is None
    for _ in range(5000):
        sites.note(nn.Identity())
    assert len(sites._built) <= SWEPT_AT_LEAST


def test_a_compiled_model_may_build_modules_inside(watched: Watching) -> None:
    def loss(x: torch.Tensor) -> torch.Tensor:
        return nn.MSELoss()(x, torch.zeros_like(x))

    with watched(Structure):
        compiled = torch.compile(loss, backend="eager", fullgraph=True)
        assert compiled(torch.ones(3)) == 1


def test_shared_parameters_and_modules(watched: Watching) -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Linear(6, 6, bias=False)
            self.layers = nn.ModuleList([nn.Linear(6, 6)] * 3)
            self.head = nn.Linear(6, 6, bias=False)
            self.head.weight = self.embed.weight

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.embed(x)
            for layer in self.layers:
                x = layer(x)
            return self.head(x)

    with watched(Structure) as seen:
        train(Tied())
    assert sorted(seen.view.shared, key=lambda s: s.kind) == [
        Shared("module", ("layers.0", "layers.1", "layers.2")),
        Shared("parameter", ("embed.weight", "head.weight")),
    ]


def test_a_circle_of_modules_ends() -> None:
    a, b = nn.Module(), nn.Module()
    a.b, b.a = b, a
    assert shared_places(a) == []


def test_settings_that_weights_do_not_show(watched: Watching) -> None:
    with watched(Structure) as seen:
        train(
            nn.Sequential(
                nn.BatchNorm1d(6, eps=0.1, momentum=None), nn.LayerNorm(6), nn.Dropout(0.25)
            )
        )
    settings = {m.name: dict(m.settings) for m in seen.view.modules}
    assert settings["0"] == {"eps": 0.1, "affine": True, "track_running_stats": True}
    assert settings["1"] == {"eps": 1e-5, "elementwise_affine": True}
    assert settings["2"] == {"p": 0.25}
    assert settings["Sequential"] == {}


def test_an_optimizer_that_steps_and_one_that_never_does(watched: Watching) -> None:
    with watched(Structure, Optimizers) as seen:
        model = nn.Sequential(nn.Linear(6, 4), nn.Linear(4, 3))
        first = torch.optim.SGD(model[0].parameters(), lr=0.1)
        second = torch.optim.Adam([*model[1].parameters()])
        built = here() - 1
        for _ in range(9):
            first.zero_grad()
            second.zero_grad()
            model(torch.ones(2, 6)).sum().backward()
            at = here() - 1
            first.step()
    one, two = seen.view.optimizers
    assert (one.optimizer, one.training, one.passes) == ("SGD", 0, 0)
    assert seen.view.trainings[0].built == 0
    assert (two.optimizer, two.training, two.counts, two.elements) == ("Adam", None, (2,), 15)
    assert (two.passes, two.with_gradient, two.waiting_count) == (8, 8, 2)
    assert two.waiting == ("1.weight", "1.bias")
    assert (two.in_training, two.moved) == (True, False)
    assert two.site is not None
    assert two.site.line == built
    assert two.backward is not None
    assert two.backward.line == at


def test_a_run_without_any_step_has_its_optimizer(watched: Watching) -> None:
    with watched(Structure, Optimizers) as seen:
        model = nn.Linear(6, 3)
        torch.optim.SGD(model.parameters(), lr=0.1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(20):
            optimizer.zero_grad()
            F.cross_entropy(model(torch.ones(2, 6)), torch.tensor([0, 1])).backward()
    assert not seen.view.observed
    waiting = [o for o in seen.view.optimizers if o.with_gradient]
    assert [o.number for o in waiting] == [1]
    assert waiting[0].passes == 16


def test_what_waits_and_is_moved_all_the_same(watched: Watching) -> None:
    """A step made by an optimizer that torch does not know, or by hand."""
    with watched(Structure, Optimizers) as seen:
        model = nn.Linear(6, 3)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(5):
            optimizer.zero_grad()
            model(torch.ones(2, 6)).sum().backward()
            for p in model.parameters():
                p.data.add_(p.grad, alpha=-0.1)  # type: ignore[arg-type]
    assert seen.view.optimizers[0].moved is True


def test_parameters_of_another_that_steps_do_not_wait(watched: Watching) -> None:
    """Two phases: the second optimizer holds what the first one trains."""
    with watched(Structure, Optimizers) as seen:
        model = nn.Sequential(nn.Linear(6, 4).requires_grad_(requires_grad=False), nn.Linear(4, 3))
        head = torch.optim.SGD(model[1].parameters(), lr=0.1)
        torch.optim.SGD(model.parameters(), lr=0.1)
        everything = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(8):
            everything.zero_grad()
            model(torch.ones(2, 6)).sum().backward()
            head.step()
    assert [o.with_gradient for o in seen.view.optimizers] == [0, 0, 0]
    assert [o.training for o in seen.view.optimizers] == [0, None, None]


def test_an_old_journal_still_reads(tmp_path: Path) -> None:
    journal: list[dict[str, Any]] = [
        {"k": "model", "root": "Net", "prefix": "", "cls": "Net", "site": None,
         "modules": [["Net", "Net", True]], "parameters": [["w", [2], "float32", True]]},
        {"k": "optimizer", "o": 0, "cls": "SGD", "site": None, "step_site": None,
         "groups": [{"names": ["w"], "elements": 2, "lr": 0.1}]},
    ]  # fmt: skip
    text = "\n".join(json.dumps(line) for line in journal)
    (tmp_path / "journal-1.jsonl").write_text(text + "\n", encoding="utf-8")
    view = read_run(tmp_path)
    assert view.errors == []
    assert (view.modules[0].site, view.modules[0].settings) == (None, {})
    assert (view.trainings[0].built, view.optimizers) == (None, [])


def test_the_iteration_in_which_a_training_began(watched) -> None:
    model = torch.nn.Linear(2, 1)
    with watched(Structure) as seen:
        for steps in (5, 3):
            optimizer = torch.optim.SGD(model.parameters(), 0.1)
            for _ in range(steps):
                optimizer.zero_grad()
                model(torch.ones(4, 2)).mean().backward()
                optimizer.step()
    assert [training.began for training in seen.view.trainings] == [0, 5]
