"""Single facts: seeds, modes, clipping, precision, and what forbids a second look."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
import torch.utils.checkpoint
from torch import nn

from assay.journal.view import RunView
from assay.probes.model.structure import Structure
from assay.probes.run import notes
from assay.probes.run.notes import Notes, depends_on_mode

from .conftest import Watching
from .noting import Noting
from .test_structure_facts import here

X = torch.ones(4, 4)


@pytest.mark.parametrize(
    ("module", "depends"),
    [
        (nn.Dropout(0.5), True),
        (nn.Dropout2d(1.0), True),
        (nn.Dropout(0.0), False),
        (nn.BatchNorm1d(4), True),
        (nn.BatchNorm2d(4, track_running_stats=False), False),
        (nn.InstanceNorm1d(4), False),
        (nn.LSTM(4, 4, num_layers=2, dropout=0.1), True),
        (nn.GRU(4, 4), False),
        (nn.MultiheadAttention(4, 2, dropout=0.1), True),
        (nn.MultiheadAttention(4, 2), False),
        (nn.LayerNorm(4), False),
        (nn.Linear(4, 4), False),
    ],
    ids=str,
)
def test_modules_that_compute_something_else_in_training(module: nn.Module, depends: bool) -> None:
    assert depends_on_mode(module) is depends


def step(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    model(X).square().mean().backward()
    optimizer.step()


def facts(view: RunView, kind: str) -> list[dict[str, Any]]:
    return [dict(event.data) for event in view.events(kind)]


def line(view: RunView, kind: str) -> int | None:
    event = next(iter(view.events(kind)))
    assert event.site is not None
    assert event.site.file == __file__
    return event.site.line


def test_facts_are_written_once_with_their_lines(watched: Watching) -> None:
    at: dict[str, int] = {}
    with watched(Structure, Notes) as seen:
        remember = torch.utils.checkpoint.checkpoint
        _, at["seed"] = torch.manual_seed(3), here()
        model = nn.Linear(4, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        _, at["hook_registered"] = model.weight.register_hook(lambda grad: grad), here()
        for _ in range(3):
            _, at["zero_grad"] = optimizer.zero_grad(), here()
            with torch.autocast("cpu", dtype=torch.bfloat16):
                at["autocast"] = here() - 1
                out, at["checkpointing"] = remember(model, X, use_reentrant=False), here()
            out.float().square().mean().backward()
            _, at["clip"] = nn.utils.clip_grad_value_(model.parameters(), 0.25), here()
            optimizer.step()
    assert {kind: facts(seen.view, kind) for kind in at} == {
        "seed": [{"of": "torch", "value": 3}],
        "hook_registered": [{"of": "tensor"}],
        "zero_grad": [{"owner": "SGD"}],
        "autocast": [{"device": "cpu", "dtype": "bfloat16", "enabled": True}],
        "checkpointing": [{}],
        "clip": [{"of": "value", "limit": 0.25}],
    }
    assert {kind: line(seen.view, kind) for kind in at} == at
    assert seen.view.trainings[0].places("clip_norm") == ()
    assert seen.view.trainings[0].places("clip_limit") == ()


def test_the_norm_before_clipping_and_its_limit(watched: Watching) -> None:
    with watched(Structure, Notes) as seen:
        weight = nn.Parameter(torch.tensor([3.0, 4.0]))
        optimizer = torch.optim.SGD([weight], lr=0.0)
        for limit in (1.0, 2.0, 2.0):
            optimizer.zero_grad()
            (0.5 * weight.square().sum()).backward()
            nn.utils.clip_grad_norm_([weight], limit)
            optimizer.step()
    training = seen.view.trainings[0]
    assert list(training.series("clip_norm").values) == [5.0, 5.0, 5.0]
    assert list(training.series("clip_limit").values) == [1.0, 2.0, 2.0]
    assert facts(seen.view, "clip") == [{"of": "norm", "limit": 1.0}, {"of": "norm", "limit": 2.0}]


def test_a_compiled_model_is_named(watched: Watching) -> None:
    with watched(Structure, Notes) as seen:
        torch.compile(nn.Linear(4, 2), backend="eager")
        step(nn.Linear(4, 2), torch.optim.SGD([nn.Parameter(X)], lr=0.1))
    assert facts(seen.view, "compile") == [{"target": "Linear"}]


def test_only_a_change_of_mode_is_written(watched: Watching) -> None:
    with watched(Structure, Notes) as seen:
        model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        model.train()
        step(model, optimizer)
        model.eval()
        model.eval()
        with torch.no_grad():
            model[1].train()
        nn.Dropout(0.5).eval()
    found = facts(seen.view, "mode_switch")
    assert [(f["owner"], f["training"], f["grad"]) for f in found] == [
        ("Sequential", False, True), ("Dropout", False, True),
    ]  # fmt: skip


def test_what_evaluates_is_the_first_region_without_gradients_of_the_users(
    watched: Watching,
) -> None:
    with watched(Structure, Notes) as seen:
        model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        with torch.no_grad():  # no call of eval() went before
            model(X)
        step(model, optimizer)
        model.eval()
        step(model, optimizer)  # the optimizer's own region is torch's
        for _ in range(2):
            with torch.no_grad():
                model(X)
        step(model, optimizer)
        model.train()
        with torch.no_grad():
            model(X)
        step(model, optimizer)
    assert [event.step for event in seen.view.events("evaluated")] == [2]


def test_switches_are_bounded(watched: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notes, "SWITCHES_AT_MOST", 3)
    with watched(Structure, Notes) as seen:
        model = nn.Linear(4, 4)
        step(model, torch.optim.SGD(model.parameters(), lr=0.1))
        for _ in range(3):
            model.eval()
            model.train()
    assert [f["training"] for f in facts(seen.view, "mode_switch")] == [False, True, False]


def test_modes_of_the_modules_that_depend_on_them(watched: Watching) -> None:
    with watched(Structure, Notes) as seen:
        model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.BatchNorm1d(4), nn.ReLU())
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        step(model, optimizer)
        model[2].eval()
        step(model, optimizer)
        step(model, optimizer)
        model.eval()
        step(model, optimizer)
    training = seen.view.trainings[0]
    assert list(training.series("eval_share", "Sequential").values) == [0.0, 0.5, 0.5, 1.0]


def test_a_module_that_no_training_knows_has_no_mode(watched: Watching) -> None:
    with watched(Structure, Notes) as seen:
        model, judge = nn.Linear(4, 2), nn.Dropout(0.5)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(2):
            optimizer.zero_grad()
            judge(model(X)).mean().backward()
            optimizer.step()
    assert seen.view.trainings[0].places("eval_share") == ()


def test_the_scale_is_written_when_it_changes(watched: Watching) -> None:
    with watched(Structure, Notes) as seen:
        model = nn.Linear(4, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scaler = torch.amp.GradScaler("cpu", init_scale=4.0, growth_interval=2)
        scaler.scale(torch.ones(()))
        scaler.update(8.0)  # before anything is trained it belongs to nothing
        for number in range(5):
            optimizer.zero_grad()
            out = model(X) * (float("inf") if number == 3 else 1.0)
            scaler.scale(F.mse_loss(out, torch.zeros(4, 2))).backward()
            scaler.step(optimizer)
            scaler.update()
    scales = seen.view.trainings[0].series("loss_scale")
    assert list(scales) == [(2, 16.0), (3, 8.0)]


@pytest.mark.parametrize("sampling", [False, True])
def test_a_scale_at_hand_is_read_between_samples_too(sampling: bool) -> None:
    lines: list[Any] = []
    watch: Any = Noting(
        sampling=sampling, trainings=[SimpleNamespace(index=0, step=3)],
        line=lambda kind, **data: lines.append((kind, data)),
    )  # fmt: skip
    probe = Notes(watch)
    for scale in (None, torch.tensor(8.0), torch.tensor(8.0), torch.tensor(4.0)):
        probe.on_scaler_update(SimpleNamespace(_scale=scale))
    assert lines == [("scale", {"o": 0, "s": 3, "v": value}) for value in (8.0, 4.0)]
    if not sampling:
        probe.on_scaler_update(SimpleNamespace(_scale=torch.ones((), device="meta")))
        assert len(lines) == 2


def test_the_loss_scale_is_written_when_it_changes() -> None:
    lines: list[Any] = []
    watch = Noting(line=lambda kind, **data: lines.append((kind, data)))
    watch.sampling = False
    probe = Notes(watch)

    def at(scale: float | None) -> None:
        probe.on_scaler_update(
            SimpleNamespace(_scale=None if scale is None else torch.tensor(scale))
        )

    at(2.0)
    assert lines == [], "nobody trains yet"
    watch.trainings = [SimpleNamespace(index=0, step=3), SimpleNamespace(index=1, step=4)]
    for scale in (None, 2.0, 4.0, 4.0, 2.0):
        at(scale)
    assert lines == [("scale", {"o": 1, "s": 4, "v": 4.0}), ("scale", {"o": 1, "s": 4, "v": 2.0})]
