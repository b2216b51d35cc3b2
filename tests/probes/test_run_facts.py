"""Facts about how a training is driven: schedulers, loaders, checkpoints, scalers, evaluations."""

from __future__ import annotations

import json
import random
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

from assay.journal.events import (
    BACKWARD,
    EPOCH,
    EVAL_INPUT,
    INPUT,
    LOAD_STATE,
    LOADER,
    SCALER,
    STALLED,
)
from assay.journal.reader import read_run
from assay.journal.view import RunView
from assay.probes.data.batches import Batches
from assay.probes.data.loaders import DRAWS_AT_MOST, EPOCHS_IN_ORDER, Loaders
from assay.probes.evaluation.held_out import HeldOut
from assay.probes.gradient.clearing import Clearing
from assay.probes.gradient.gradients import Gradients
from assay.probes.model.loading import Loading
from assay.probes.model.structure import Structure
from assay.probes.optimizer.optimizers import Optimizers
from assay.probes.precision.scaling import Scaling
from assay.probes.run.notes import Notes
from assay.probes.schedule.schedules import Schedules

from .conftest import Watching
from .test_structure_facts import here

X = torch.arange(24.0).reshape(6, 4)


def make() -> tuple[nn.Module, torch.optim.Optimizer]:
    model = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))
    return model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


def step(model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor = X) -> None:
    optimizer.zero_grad()
    model(x).square().mean().backward()
    optimizer.step()


# --- schedulers -------------------------------------------------------------------------------


def test_a_scheduler_its_arguments_and_its_steps(watched: Watching) -> None:
    with watched(Structure, Optimizers, Schedules) as seen:
        model, optimizer = make()
        scheduler = lr_scheduler.StepLR(optimizer, step_size=30, gamma=0.5)
        for _ in range(40):
            step(model, optimizer)
            scheduler.step()
    (found,) = seen.view.schedulers
    assert found.kind == "StepLR"
    assert found.settings == {"step_size": 30, "gamma": 0.5}
    assert found.optimizer == 0
    assert seen.view.optimizers[0].training == 0
    assert found.steps == 40
    assert found.counts.steps[0] == 1  # the optimizer had stepped once
    assert len(found.counts) < 32
    assert found.site is not None
    assert found.step_site is not None
    assert found.site.line < found.step_site.line
    assert (found.step_site.file, len(found.metrics)) == (__file__, 0)
    assert (found.of, found.base, found.start, found.own_step) == ("StepLR", (0.1,), 0.0, False)
    assert found.positions.values[-1] <= 40
    assert [(line.count, line.together) for line in found.lines] == [(40, 0)]


def test_a_plateau_and_what_it_was_given(watched: Watching) -> None:
    with watched(Structure, Optimizers, Schedules) as seen:
        model, optimizer = make()
        scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", factor=0.5, patience=1)
        for metric in (0.5, torch.tensor(0.6), 0.4, float("nan")):
            step(model, optimizer)
            step(model, optimizer)
            scheduler.step(metric)
        scheduler.step(metrics=0.7)
    (found,) = seen.view.schedulers
    assert (found.settings["mode"], found.settings["patience"]) == ("max", 1)
    assert list(found.metrics.steps) == [2, 4, 6, 8, 8]
    assert found.metrics.values[1] == pytest.approx(0.6)
    assert found.metrics.values[3] != found.metrics.values[3]
    assert found.steps == 5


def test_a_sequence_is_one_scheduler_more_whose_parts_do_not_step(watched: Watching) -> None:
    with watched(Optimizers, Schedules) as seen:
        model, optimizer = make()
        parts = [lr_scheduler.LinearLR(optimizer, 0.1, total_iters=2),
                 lr_scheduler.CosineAnnealingLR(optimizer, T_max=5)]  # fmt: skip
        sequence = lr_scheduler.SequentialLR(optimizer, parts, milestones=[2])
        for _ in range(4):
            step(model, optimizer)
            sequence.step()
    steps = {found.kind: found.steps for found in seen.view.schedulers}
    assert steps == {"LinearLR": 0, "CosineAnnealingLR": 0, "SequentialLR": 4}
    assert [found.held for found in seen.view.schedulers] == [True, True, False]
    assert [part.kind for part in seen.view.schedulers[2].parts] == [
        "LinearLR",
        "CosineAnnealingLR",
    ]


def test_two_lines_that_step_one_scheduler(watched: Watching) -> None:
    data = TensorDataset(X)
    with watched(Optimizers, Schedules) as seen:
        model, optimizer = make()
        scheduler = lr_scheduler.StepLR(optimizer, step_size=30)
        for _ in range(3):
            for (x,) in DataLoader(data, batch_size=2):
                step(model, optimizer, x)
                scheduler.step()
            scheduler.step()
            with torch.no_grad():
                list(DataLoader(data, batch_size=6))
    (found,) = seen.view.schedulers
    assert [(line.count, line.together) for line in found.lines] == [(9, 0), (3, 3)]
    assert found.passes.values[-1] == 3


def test_numbers_that_functions_of_a_schedule_hold(watched: Watching) -> None:
    def warm(steps: int) -> Any:
        return lambda step: min(1.0, (step + 1) / steps)

    class Warm(lr_scheduler.LambdaLR):
        def step(self, epoch: Any = None) -> None:
            super().step()

    with watched(Optimizers, Schedules) as seen:
        model, optimizer = make()
        lr_scheduler.LambdaLR(optimizer, warm(5))
        lr_scheduler.LambdaLR(optimizer, partial(pow, 0.5))
        Warm(optimizer, partial(round, ndigits=7))
        step(model, optimizer)
    closure, plain, own = seen.view.schedulers
    assert (closure.given, plain.given, own.given) == ({"steps": 5.0}, {}, {"ndigits": 7.0})
    assert (own.kind, own.of, own.own_step, closure.own_step) == ("Warm", "LambdaLR", True, False)


def test_torch_still_warns_of_a_wrong_order(watched: Watching) -> None:
    with watched(Schedules) as seen:
        model, optimizer = make()
        scheduler = lr_scheduler.StepLR(optimizer, 1)
        with pytest.warns(UserWarning, match="before `optimizer.step") as told:
            scheduler.step()
        assert told[0].filename == __file__
        step(model, optimizer)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            scheduler.step()
    assert seen.view.schedulers[0].counts.steps[0] == 0


def test_learning_rates_are_the_same_with_and_without(watched: Watching) -> None:
    def rates() -> list[float]:
        model, optimizer = make()
        scheduler = lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=12)
        found = []
        for _ in range(11):
            step(model, optimizer)
            scheduler.step()
            found.append(optimizer.param_groups[0]["lr"])
        return found

    plain = rates()
    with watched(Schedules):
        assert rates() == plain


# --- loaders ----------------------------------------------------------------------------------


def epochs(view: RunView) -> list[dict[str, Any]]:
    return [dict(event.data) for event in view.events(EPOCH)]


def test_draws_of_shuffled_and_weighted_loaders(watched: Watching) -> None:
    data = TensorDataset(torch.arange(50))
    weights = [1.0] + [0.0] * 39
    with watched(Loaders) as seen:
        step(*make())
        plain = DataLoader(data, batch_size=8)
        shuffled = DataLoader(data, batch_size=10, shuffle=True)
        sampler = WeightedRandomSampler(weights, num_samples=20, replacement=True)
        weighted = DataLoader(data, batch_size=5, sampler=sampler)
        for loader in (plain, shuffled, weighted):
            for _ in range(3):
                list(loader)
    facts = [event.data for event in seen.view.events(LOADER)]
    assert [(f["sampler"], f["size"], f["weights"]) for f in facts] == [
        ("SequentialSampler", 50, None),
        ("RandomSampler", 50, None),
        ("WeightedRandomSampler", 50, 40),
    ]
    assert [(f["replacement"], f["num_samples"]) for f in facts] == [
        (None, None), (False, 50), (True, 20)
    ]  # fmt: skip
    found = epochs(seen.view)
    assert [(e["loader"], e["epoch"], e["draws"], e["whole"]) for e in found] == [
        (loader, epoch, draws, True)
        for loader, draws in enumerate((50, 50, 20))
        for epoch in range(3)
    ]
    assert [(e["distinct"], e["distinct_ever"], e["most"]) for e in found] == [
        (50, 50, 1), (50, 50, 1), (None, None, None),
        (50, 50, 1), (50, 50, 1), (None, None, None),
        (1, 1, 20), (1, 1, 20), (None, None, None),
    ]  # fmt: skip
    orders = [e["order"] for e in found]
    assert orders[0] == orders[1] == orders[2]
    assert len(set(orders[3:6])) == 3


def test_the_same_order_every_epoch_can_be_told(watched: Watching) -> None:
    with watched(Loaders) as seen:
        step(*make())
        data = TensorDataset(torch.arange(50))
        for _ in range(3):
            generator = torch.Generator().manual_seed(0)
            list(DataLoader(data, batch_size=8, shuffle=True, generator=generator))
    assert len({e["order"] for e in epochs(seen.view)}) == 1
    assert next(iter(seen.view.events(LOADER))).data["generator"] is True


def test_an_epoch_that_is_left_early_and_one_that_never_ends(watched: Watching) -> None:
    with watched(Loaders) as seen:
        step(*make())
        loader = DataLoader(TensorDataset(torch.arange(50)), batch_size=4, shuffle=True)
        for _ in range(3):
            next(iter(loader))
    found = epochs(seen.view)
    assert [(e["draws"], e["whole"]) for e in found] == [(4, False)] * 3
    assert found[1]["distinct_ever"] >= 4


def test_what_is_counted_is_bounded(watched: Watching) -> None:
    loader = DataLoader(TensorDataset(torch.arange(6)), batch_size=4)
    with watched(Loaders) as seen:
        step(*make())
        for _ in range(EPOCHS_IN_ORDER + 4):
            list(loader)
        assert not seen.watch.hub.listeners["indices"]
        list(loader)
    assert len(epochs(seen.view)) == EPOCHS_IN_ORDER
    size = DRAWS_AT_MOST + 10
    with watched(Loaders) as seen:
        step(*make())
        for _ in DataLoader(range(size), batch_size=1 << 14):  # type: ignore[arg-type]
            pass
    (found,) = epochs(seen.view)
    assert (found["draws"], found["distinct"], found["most"]) == (size, None, None)


class Noisy(torch.utils.data.Dataset[float]):
    def __init__(self) -> None:
        self.rng = random.Random(3)

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> float:
        return self.rng.random()


def _seed_all_the_same(worker: int) -> None:
    random.seed(0)


def test_workers_that_share_a_random_state(watched: Watching) -> None:
    with watched(Loaders) as seen:
        step(*make())
        loader = DataLoader(Noisy(), batch_size=2, num_workers=2, worker_init_fn=_seed_all_the_same)
        assert len(list(loader)) == 4
    one, two = sorted(seen.view.workers, key=lambda worker: worker.index)
    assert (one.index, two.index) == (0, 1)
    assert one.group == two.group
    assert one.states["dataset.rng"] == two.states["dataset.rng"]
    assert one.states["random"] == two.states["random"]
    assert one.states["torch"] != two.states["torch"]
    loader_facts = next(iter(seen.view.events(LOADER))).data
    assert (loader_facts["workers"], loader_facts["worker_init_fn"]) == (2, True)
    assert epochs(seen.view)[0]["draws"] == 8


def test_a_loader_gives_the_same_with_and_without(watched: Watching) -> None:
    def batches() -> list[Any]:
        torch.manual_seed(0)
        loader = DataLoader(TensorDataset(torch.arange(30)), batch_size=4, shuffle=True)
        return [batch[0].tolist() for _ in range(3) for batch in loader]

    plain = batches()
    with watched(Loaders):
        assert batches() == plain


# --- checkpoints ------------------------------------------------------------------------------


def loads(view: RunView) -> list[dict[str, Any]]:
    return [dict(event.data) for event in view.events(LOAD_STATE)]


def test_a_checkpoint_that_fits_and_one_that_does_not(watched: Watching) -> None:
    with watched(Loading) as seen:
        step(*make())
        model, _ = make()
        state = make()[0].state_dict()
        model.load_state_dict(state)
        model.load_state_dict(state)
        model.load_state_dict({f"module.{k}": v for k, v in state.items()}, strict=False)
        with pytest.raises(RuntimeError, match="size mismatch"):
            model.load_state_dict({**state, "2.bias": torch.zeros(5)})
    first, again, prefixed, failed = loads(seen.view)
    assert (first["kind"], first["owner"], first["keys"]) == ("module", "Sequential", 4)
    assert (first["matched"], first["compared"], first["changed"]) == (4, 4, 4)
    assert (again["matched"], again["changed"]) == (4, 0)
    assert (first["prefix"], first["missing"], first["mismatched"]) == (None, [], [])
    assert (prefixed["matched"], prefixed["changed"]) == (0, 0)
    assert (prefixed["prefix"], prefixed["prefix_matched"]) == ("module.", 4)
    assert (prefixed["missing_count"], prefixed["unexpected_count"]) == (4, 4)
    assert len(prefixed["missing"]) == len(prefixed["unexpected"]) == 4
    assert failed["mismatched"] == ["2.bias"]
    assert "size mismatch" in failed["failed"]


def test_a_prefix_to_put_before_the_names(watched: Watching) -> None:
    with watched(Loading) as seen:
        step(*make())
        whole = nn.ModuleDict({"backbone": make()[0], "head": nn.Linear(2, 2)})
        whole.load_state_dict(make()[0].state_dict(), strict=False)
        renamed = {f"encoder.{k}": v for k, v in make()[0].state_dict().items()}
        whole.load_state_dict(renamed, strict=False)
        whole.load_state_dict(whole.state_dict())
    before, replaced, own = loads(seen.view)
    assert (before["prefix"], before["prefix_matched"]) == ("+backbone.", 4)
    assert (replaced["prefix"], replaced["prefix_matched"]) == ("encoder.>backbone.", 4)
    assert [found["own"] for found in (before, replaced, own)] == [0, 0, 6]


def test_an_optimizer_with_and_without_its_moments(watched: Watching) -> None:
    with watched(Loading) as seen:
        model, optimizer = make()
        empty = optimizer.state_dict()
        step(model, optimizer)
        optimizer.param_groups[0]["lr"] = 0.01
        lr_scheduler.ConstantLR(optimizer, factor=0.5)
        full = optimizer.state_dict()
        other = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
        other.load_state_dict(full)
        other.load_state_dict(empty)
    first, second = loads(seen.view)
    assert (first["kind"], first["parameters"], first["given_state"]) == ("optimizer", 4, 4)
    assert first["with_state"] == 4
    assert (first["rates_before"], first["rates_given"], first["rates_after"]) == (
        [0.5], [0.005], [0.005]
    )  # fmt: skip
    assert (first["asked_before"], first["asked_given"]) == ([0.5], [0.01])
    assert (first["default_rate"], first["built"]) == (1e-3, 0)
    assert (second["given_state"], second["with_state"]) == (0, 0)


def test_loads_are_bounded(watched: Watching) -> None:
    with watched(Loading) as seen:
        step(*make())
        model, other = make()[0], make()[0]
        for _ in range(50):
            other.load_state_dict(model.state_dict())
    assert len(loads(seen.view)) == 16


# --- scalers ----------------------------------------------------------------------------------


def scaler_facts(view: RunView) -> dict[str, Any]:
    return dict(list(view.events(SCALER))[-1].data)


def test_steps_through_a_scaler(watched: Watching) -> None:
    with watched(Structure, Scaling, Notes) as seen:
        model, optimizer = make()
        scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
        for number in range(6):
            optimizer.zero_grad()
            scaler.scale(model(X).mean()).backward()
            if number % 2:
                scaler.unscale_(optimizer)
            scaler.step(optimizer)
            scaler.update()
    assert scaler_facts(seen.view) == {
        "scalers": 1, "scaled": 6, "unscaled": 3, "steps": 6, "updates": 6, "late": 0,
        "looked_at": 6, "past": 0,
    }  # fmt: skip


def test_steps_past_a_scaler(watched: Watching) -> None:
    with watched(Structure, Scaling) as seen:
        model, optimizer = make()
        scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
        for _ in range(6):
            optimizer.zero_grad()
            scaler.scale(model(X).mean()).backward()
            optimizer.step()  # torch's own update() would raise after it
    found = scaler_facts(seen.view)
    assert (found["steps"], found["looked_at"], found["past"]) == (0, 6, 6)


def test_a_step_on_gradients_that_were_unscaled_or_never_scaled_is_not_past(
    watched: Watching,
) -> None:
    with watched(Structure, Scaling) as seen:
        model, optimizer = make()
        other, second = make()
        scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
        for _ in range(4):
            optimizer.zero_grad()
            second.zero_grad()
            scaler.scale(model(X).mean()).backward()
            scaler.unscale_(optimizer)
            optimizer.step()
            other(X).mean().backward()
            second.step()
            scaler.update()
    found = scaler_facts(seen.view)
    assert (found["unscaled"], found["past"]) == (4, 0)


def test_a_step_after_the_update_is_late(watched: Watching) -> None:
    with watched(Structure, Scaling) as seen:
        model, optimizer = make()
        other, second = make()
        scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
        for _ in range(3):
            optimizer.zero_grad()
            second.zero_grad()
            scaler.scale(model(X).mean()).backward()
            scaler.scale(other(X).mean()).backward()
            scaler.step(optimizer)
            scaler.update()
            scaler.step(second)
            scaler.update()
    assert scaler_facts(seen.view)["late"] == 3


def test_a_disabled_scaler_is_none(watched: Watching) -> None:
    with watched(Structure, Scaling, Notes) as seen:
        model, optimizer = make()
        scaler = torch.amp.GradScaler("cpu", enabled=False)
        for _ in range(4):
            optimizer.zero_grad()
            scaler.scale(model(X).mean()).backward()
            scaler.unscale_(optimizer)
            scaler.step(optimizer)
            scaler.update()
    assert list(seen.view.events(SCALER)) == []
    assert seen.view.trainings[0].steps == 4
    assert seen.view.trainings[0].places("loss_scale") == ()


# --- evaluations ------------------------------------------------------------------------------


def test_evaluation_inputs_in_the_same_numbers_as_training_inputs(watched: Watching) -> None:
    held_out = torch.tensor([[0.0, 255.0, 10.0, 3.0]] * 4)
    with watched(Structure, Batches, HeldOut) as seen:
        model, optimizer = make()
        for _ in range(3):
            step(model, optimizer)
            model.eval()
            with torch.no_grad():
                for _ in range(5):
                    model(held_out)
            model.train()
    training = seen.view.trainings[0]
    for name, value in (
        ("mean", held_out.mean()), ("std", held_out.std(correction=0)), ("min", 0.0), ("max", 255.0)
    ):  # fmt: skip
        series = training.series(f"eval_input_{name}", "input 0")
        assert list(series.steps) == [1, 1, 2, 2, 3, 3]
        assert series.values[0] == pytest.approx(float(value), rel=1e-6)
    assert training.series("input_max", "input 0").last == 23.0
    (found,) = seen.view.events(EVAL_INPUT)
    assert found.data == {"place": "input 0", "shape": [4, 4], "dtype": "float32"}
    assert next(iter(seen.view.events(INPUT))).data["place"] == "input 0"


def test_an_evaluation_without_a_call_of_eval(watched: Watching) -> None:
    with watched(Structure, HeldOut) as seen:
        model, optimizer = make()
        for _ in range(2):
            step(model, optimizer)
            with torch.inference_mode():
                for _ in range(3):
                    F.mse_loss(model(X), torch.zeros(6, 2))
    assert list(seen.view.trainings[0].series("eval_input_min", "input 0").steps) == [1, 1, 2, 2]


def test_evaluations_are_looked_at_ever_more_rarely(watched: Watching) -> None:
    with watched(Structure, HeldOut) as seen:
        model, optimizer = make()
        for _ in range(100):
            step(model, optimizer)
            model.eval()
            with torch.no_grad():
                model(X)
            model.train()
        assert not seen.watch.hub.listeners["called_root"]
    assert 40 <= len(seen.view.trainings[0].series("eval_input_min", "input 0")) <= 50


def test_a_model_that_is_compiled_for_its_evaluation(watched: Watching) -> None:
    with watched(Structure, HeldOut) as seen:
        model, optimizer = make()
        step(model, optimizer)
        model.eval()
        compiled = torch.compile(model, backend="eager", fullgraph=True)
        with torch.no_grad():
            assert torch.equal(compiled(X), model(X))
    assert seen.view.trainings[0].places("eval_input_min") == ()


def test_a_model_that_is_not_trained_is_not_looked_at(watched: Watching) -> None:
    with watched(Structure, HeldOut) as seen:
        (model, optimizer), (judge, _) = make(), make()
        step(model, optimizer)
        judge.eval()
        with torch.no_grad():
            judge(X)
    assert seen.view.trainings[0].places("eval_input_min") == ()


# --- steps ------------------------------------------------------------------------------------


def test_the_share_of_weights_that_a_step_changes(watched: Watching) -> None:
    with watched(Structure, Gradients) as seen:
        weight = nn.Parameter(torch.tensor([1.0, 1.0, 1e8, 1.0]))
        other = nn.Parameter(torch.ones(4, dtype=torch.float16))
        optimizer = torch.optim.SGD([weight, other], lr=0.1)
        for _ in range(2):
            optimizer.zero_grad()
            ((weight * torch.tensor([1.0, 0.0, 1.0, 1.0])).sum() + (other * 1e-4).sum()).backward()
            optimizer.step()
    training = seen.view.trainings[0]
    shares = [training.series("weight_changed_share", f"group 0 parameter {i}") for i in (0, 1)]
    assert [list(share.values) for share in shares] == [[0.5, 0.5], [0.0, 0.0]]
    assert training.series("weight_changed_share").last == 0.25


@pytest.mark.parametrize("set_to_none", [True, False])
@pytest.mark.parametrize("by", ["optimizer", "model"])
def test_gradients_cleared_before_the_step(watched: Watching, by: str, set_to_none: bool) -> None:
    with watched(Structure, Clearing) as seen:
        model, optimizer = make()
        owner: Any = optimizer if by == "optimizer" else model
        for number in range(6):
            if number < 3:
                owner.zero_grad(set_to_none=set_to_none)
            model(X).mean().backward()
            if number >= 3:
                owner.zero_grad(set_to_none=set_to_none)
            optimizer.step()
    assert list(seen.view.trainings[0].series("gradient_discarded").values) == [0, 0, 0, 1, 1, 1]
    (cleared,) = seen.view.events("cleared")
    assert cleared.training == 0
    assert cleared.data["by"] is not None
    file, line, _ = cleared.data["by"]
    assert Path(file).read_text().splitlines()[line - 1].strip().startswith("owner.zero_grad")


def test_gradients_taken_away_by_hand_before_the_step(watched: Watching) -> None:
    with watched(Structure, Clearing) as seen:
        model, optimizer = make()
        for number in range(6):
            optimizer.zero_grad()
            model(X).mean().backward()
            if number >= 3:
                for p in model.parameters():
                    p.grad = None
            optimizer.step()
            optimizer.step()  # takes nothing again, and discards nothing
    assert list(seen.view.trainings[0].series("gradient_discarded").values) == [0, 0, 0, 1, 1, 1]
    assert [event.data["by"] for event in seen.view.events("cleared")] == [None]


def test_gradients_put_in_place_of_cleared_ones_are_not_discarded(watched: Watching) -> None:
    """Gradient surgery: a pass for each task, then the sum that fits all."""
    with watched(Structure, Clearing) as seen:
        model, optimizer = make()
        for _ in range(3):
            model(X).mean().backward()
            kept = [p.grad.clone() for p in model.parameters() if p.grad is not None]
            optimizer.zero_grad()
            for p, grad in zip(model.parameters(), kept, strict=True):
                p.grad = grad
            optimizer.step()
    assert list(seen.view.trainings[0].series("gradient_discarded").values) == [0, 0, 0]


def test_what_another_player_clears_is_not_discarded(watched: Watching) -> None:
    with watched(Structure, Clearing) as seen:
        (first, one), (second, two) = make(), make()
        for _ in range(3):
            one.zero_grad()
            first(X).mean().backward()
            two.zero_grad()
            one.step()
            second(X).mean().backward()
            two.step()
    for training in seen.view.trainings:
        assert set(training.series("gradient_discarded").values) == {0.0}


def test_passes_of_a_step_and_their_lines(watched: Watching) -> None:
    with watched(Structure, Optimizers) as seen:
        model, optimizer = make()
        for _ in range(3):
            for _ in range(4):
                model(X).mean().backward()
            optimizer.step()
    assert list(seen.view.trainings[0].series("backward_passes").values) == [4, 4, 4]
    (line,) = seen.view.events(BACKWARD)
    assert line.site is not None
    assert line.site.function == "test_passes_of_a_step_and_their_lines"


@pytest.mark.parametrize("before", [0, 200])
def test_passes_that_no_step_follows(watched: Watching, before: int) -> None:
    """Whether the last steps were sampled or noted quickly."""
    with watched(Structure, Optimizers) as seen:
        model, optimizer = make()
        for _ in range(before):
            step(model, optimizer)
        for _ in range(600):
            model(X).mean().backward()
        at = here()
    found = list(seen.view.events(STALLED))
    assert [event.data for event in found] == [
        {"passes": passes, "training": True, "finite": True} for passes in (256, 512)
    ]
    assert {event.site and event.site.line for event in found} == {at - 1}
    assert {(event.step, event.training) for event in found} == {(before, 0 if before else None)}


def test_steps_begin_the_count_anew(watched: Watching) -> None:
    with watched(Structure, Optimizers) as seen:
        model, optimizer = make()
        for _ in range(6):
            for _ in range(200):
                model(X).mean().backward()
            optimizer.step()
    assert list(seen.view.events(STALLED)) == []


# --- reading ----------------------------------------------------------------------------------


def test_torn_and_older_lines(tmp_path: Path) -> None:
    lines = [
        {"k": "event", "e": "load_state", "s": 0, "i": 0, "site": None,
         "data": {"owner": "Net", "missing": [], "unexpected": []}},
        {"k": "event", "e": "scheduler", "s": 0, "i": 0, "site": None, "data": {"cls": "StepLR"}},
        {"k": "scheduler", "n": 0, "cls": "StepLR", "settings": {}, "built": 7, "site": None},
    ]  # fmt: skip
    text = "\n".join(json.dumps(line) for line in lines)
    (tmp_path / "journal-1.jsonl").write_text(text + "\n", encoding="utf-8")
    (tmp_path / "workers.jsonl").write_text('{"of": 1, "base": 2, "worker": 0}\n{"of": 1, "ba')
    view = read_run(tmp_path)
    assert [event.data["owner"] for event in view.events(LOAD_STATE)] == ["Net"]
    assert [(s.kind, s.optimizer) for s in view.schedulers] == [("StepLR", None)]
    assert view.workers == []
    assert view.errors == ["workers.jsonl: 1 unreadable line passed over"]
