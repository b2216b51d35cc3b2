"""accumulate against loops that accumulate by hand, and against one large batch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from suite import (
    WORKLOADS,
    Hand,
    Record,
    TrickError,
    World,
    assert_same,
    attach,
    differs,
    in_script,
    in_watched_script,
    parameters_of,
    plain,
    read,
    record_of,
    train,
    treated,
)
from torch import nn
from torch.nn import functional as F

from assay.journal.reader import read_run

STEPS = 6
HELD = [name for name in WORKLOADS if name not in ("closure", "lbfgs")]  # these are refused


class Norm(Hand):
    """Clips, and reads what clipping says of the norm."""

    def gradients(self, optimizer: Any) -> None:
        nn.utils.clip_grad_norm_(parameters_of(optimizer), 0.1).item()


class Value(Hand):
    def gradients(self, optimizer: Any) -> None:
        nn.utils.clip_grad_value_((p for p in parameters_of(optimizer)), 0.01)


def passes(world: World, t: int) -> list[tuple[int, int]]:
    """Batches of a step, and by how much the script itself divides its loss."""
    if isinstance(world, WORKLOADS["accumulated"]):
        return [(2 * t, 2), (2 * t + 1, 2)]
    return [(t, 1)]


def accumulating(workload: str, hand: Hand, steps: int = STEPS, size: int = 2) -> Record:
    """The classic loop: losses divided by the size of a window, one step for every window."""
    world = WORKLOADS[workload](hand)
    losses = []
    for t in range(steps):
        losses.append(0.0)
        for batch, parts in passes(world, t):
            loss = world.loss_of(batch) / parts
            scaled = loss / size
            if world.scaler:
                scaled = scaled * float("inf") if t == world.overflows else scaled
                scaled = world.scaler.scale(scaled)
            scaled.backward()
            losses[-1] += loss.item()
        if t % size == size - 1:
            finish(world, hand)
        if world.scheduler:
            world.optimizers[0]._opt_called = True  # torch warns of a rate that goes on without
            world.scheduler.step()
    return record_of(world, losses)


def finish(world: World, hand: Hand) -> None:
    """One step, whose gradients are complete."""
    for optimizer in world.optimizers:
        if world.scaler:
            world.scaler.unscale_(optimizer)
        hand.gradients(optimizer)
        (world.scaler.step if world.scaler else lambda one: one.step())(optimizer)
    if world.scaler:
        world.scaler.update()
    for optimizer in world.optimizers:
        optimizer.zero_grad()


def with_trick(workload: str, hand: Hand, *, attached: bool, steps: int = STEPS) -> Record:
    if attached:
        world = WORKLOADS[workload](hand)
        with attach([read("accumulate=2")], (world.model, *world.optimizers)):
            return record_of(world, train(world, range(steps)))
    with in_script("accumulate=2"):
        world = WORKLOADS[workload](hand)
        return record_of(world, train(world, range(steps)))


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("hand", [Hand, Norm, Value])
@pytest.mark.parametrize("workload", HELD)
def test_equals_the_loop_by_hand(workload: str, hand: Callable[[], Hand], attached: bool) -> None:
    expected = accumulating(workload, hand())
    assert_same(expected, with_trick(workload, hand(), attached=attached))
    assert differs(expected, plain(workload))


@pytest.mark.parametrize("workload", HELD)
def test_a_window_that_is_no_power_of_two(workload: str) -> None:
    expected = accumulating(workload, Hand(), size=3)
    assert_same(expected, treated(workload, "accumulate=3", steps=STEPS))


@pytest.mark.parametrize("workload", HELD)
def test_a_window_of_one_changes_nothing(workload: str) -> None:
    assert_same(plain(workload), treated(workload, "accumulate=1"))


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("workload", ["closure", "lbfgs"])
def test_closures_are_refused(workload: str, attached: bool) -> None:
    before = plain(workload, steps=0)
    with pytest.raises(TrickError, match=r"trick accumulate: .*closure"):
        treated(workload, "accumulate=2", attached=attached)
    assert_same(before, plain(workload, steps=0))


# -- what the mean is taken over -------------------------------------------------------------------

WEIGHTS = torch.tensor([0.2, 1.0, 3.0, 0.5], dtype=torch.float64)


LOSSES: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "cross-entropy": lambda out, y: F.cross_entropy(out, y),
    "ignored by another number": lambda out, y: F.cross_entropy(
        out, y.masked_fill(y == -100, 3), ignore_index=3
    ),
    "class weights": lambda out, y: F.cross_entropy(out, y, weight=WEIGHTS),
    "smoothed": lambda out, y: F.cross_entropy(out, y, weight=WEIGHTS, label_smoothing=0.1),
    "nll": lambda out, y: F.nll_loss(out.log_softmax(1), y, weight=WEIGHTS),
    "soft targets": lambda out, y: F.cross_entropy(out, soft(y)),
    "mse": lambda out, y: F.mse_loss(out, soft(y)),
    "bce": lambda out, y: F.binary_cross_entropy_with_logits(out, soft(y)),
    "kl batch mean": lambda out, y: F.kl_div(out.log_softmax(1), soft(y), reduction="batchmean"),
}


def soft(y: torch.Tensor) -> torch.Tensor:
    return (F.one_hot(y.clamp(min=0), 4) * 0.7 + 0.1).double()


def data(sizes: list[int], counted: list[int]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    made = torch.Generator().manual_seed(0)
    batches = []
    for size, targets in zip(sizes, counted, strict=True):
        y = torch.randint(0, 4, (size,), generator=made)
        y[targets:] = -100
        batches.append((torch.randn(size, 5, generator=made, dtype=torch.float64), y))
    return batches


SIZES = [
    ([3, 7, 2], [3, 7, 2]),
    ([4, 4, 4], [4, 1, 2]),
    ([4, 4, 4], [0, 3, 1]),
    ([6, 1, 5], [2, 0, 5]),
]


def gradient(name: str, batches: list[tuple[torch.Tensor, torch.Tensor]]) -> torch.Tensor:
    """What a step sees that is taken for all of these batches."""
    with in_script(f"accumulate={len(batches)}"):
        torch.manual_seed(0)
        model = nn.Linear(5, 4).double()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
        for x, y in batches:
            LOSSES[name](model(x), y).backward()
            optimizer.step()
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


@pytest.mark.parametrize(("sizes", "counted"), SIZES)
@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_is_that_of_one_large_batch(
    name: str, sizes: list[int], counted: list[int]
) -> None:
    batches = data(sizes, counted)
    large = torch.cat([x for x, _ in batches]), torch.cat([y for _, y in batches])
    expected = gradient(name, [large])
    torch.testing.assert_close(gradient(name, batches), expected, rtol=1e-12, atol=1e-14)


def test_the_mean_of_means_is_another_number() -> None:
    batches = data([4, 4, 4], [4, 1, 2])
    means = torch.stack([gradient("cross-entropy", [batch]) for batch in batches]).mean(0)
    right = gradient("cross-entropy", batches)
    assert (means - right).norm() > 0.1 * right.norm()


def test_sums_and_two_passes_a_step_that_the_script_does_not_divide() -> None:
    """Two losses of a batch count as one pass; of sums the mean over batches is taken."""
    x, found = torch.randn(6, 5, dtype=torch.float64), []
    for trick, parts in (("accumulate=1", [x]), ("accumulate=2", [x[:3], x[3:]])):
        with in_script(trick):
            torch.manual_seed(0)
            model = nn.Linear(5, 4).double()
            optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
            for part in parts:
                F.mse_loss(model(part), part[:, :4]).backward()
                F.l1_loss(model(part), part[:, :4]).backward()
                optimizer.step()
            kept = model.weight.grad
            model.weight.grad = None
            optimizer.zero_grad()
            for part in parts:
                out = F.mse_loss(model(part), part[:, :4], reduction="sum")
                torch.autograd.backward([out / 2, out / 2])
                optimizer.step()
        found.append((kept, model.weight.grad * len(parts)))
    torch.testing.assert_close(found[1], found[0], rtol=1e-12, atol=1e-14)


# -- the rest of a loader --------------------------------------------------------------------------


def loader(rows: int) -> Any:
    x = torch.rand(rows, 64, generator=torch.Generator().manual_seed(2))
    held = torch.utils.data.TensorDataset(x, torch.arange(rows) % 10)
    return torch.utils.data.DataLoader(held, batch_size=4)


def epochs(workload: str, trick: bool, hand: Hand, *, evaluated: bool = False) -> Record:
    """Two epochs of 5 batches, the last half as long: 2 + 2 + 1 of them a step."""
    with in_script(*(["accumulate=2"] if trick else [])):
        world, losses = WORKLOADS[workload](hand), []
        scaler, train_loader, other = world.scaler, loader(18), loader(6)
        for _ in range(2):
            for i, (x, y) in enumerate(train_loader):
                loss = F.cross_entropy(world.model(x), y)
                share = 1.0 if trick else len(x) / (2 if i == 4 else 8)
                (scaler.scale(loss * share) if scaler else loss * share).backward()
                losses.append(loss.item())
                if evaluated and i == 2:
                    with torch.no_grad():
                        losses += [F.cross_entropy(world.model(a), b).item() for a, b in other]
                if trick or i % 2 == 1 or i == 4:
                    finish(world, hand)
        return record_of(world, losses)


@pytest.mark.parametrize("evaluated", [False, True])
@pytest.mark.parametrize("hand", [Hand, Norm, Value])
@pytest.mark.parametrize("workload", ["plain", "adamw", "scaled", "two-optimizers"])
def test_the_last_window_of_a_loader_is_stepped(
    workload: str, hand: Callable[[], Hand], evaluated: bool
) -> None:
    expected = epochs(workload, False, hand(), evaluated=evaluated)
    assert_same(expected, epochs(workload, True, hand(), evaluated=evaluated))


# -- what else of a script is held back ------------------------------------------------------------


@pytest.mark.parametrize(
    "cleared", ["optimizer, first", "optimizer, last", "model, first", "model, last"]
)
def test_gradients_are_cleared_once_a_window_wherever_the_script_does_it(cleared: str) -> None:
    class Cleared(WORKLOADS["plain"]):  # type: ignore[misc]
        def step(self, t: int) -> float:
            owner = self.model if "model" in cleared else self.optimizers[0]
            if "first" in cleared:
                owner.zero_grad()
            loss = self.loss_of(t)
            loss.backward()
            self.optimizers[0].step()
            if "last" in cleared:
                owner.zero_grad()
            return loss.item()

    expected = accumulating("plain", Hand())
    with in_script("accumulate=2"):
        world = Cleared(Hand())
        assert_same(expected, record_of(world, train(world, range(STEPS))))


def test_optimizers_that_take_turns_are_refused() -> None:
    class Turns(WORKLOADS["two-optimizers"]):  # type: ignore[misc]
        def step(self, t: int) -> float:
            for optimizer in self.optimizers:
                optimizer.zero_grad()
                loss = self.loss_of(t)
                loss.backward()
                optimizer.step()
            return loss.item()

    with in_script("accumulate=2"):
        world = Turns(Hand())
        with pytest.raises(TrickError, match="accumulate: the script's optimizers take turns"):
            world.step(0)


@pytest.mark.parametrize("workload", ["plain", "scaled", "two-optimizers"])
def test_other_tricks_see_finished_gradients(workload: str) -> None:
    expected = accumulating(workload, Norm())
    assert_same(expected, treated(workload, "clip-norm=0.1", "accumulate=2", steps=STEPS))


# -- what is noted of the loss ---------------------------------------------------------------------


@pytest.mark.parametrize("workload", ["plain", "accumulated", "scaled"])
@pytest.mark.parametrize("tricks", [["accumulate=3"], ["accumulate=3", "amp=bf16"]])
def test_the_loss_that_is_noted_is_the_mean_of_the_batches(
    workload: str, tricks: list[str], tmp_path: Path
) -> None:
    with in_watched_script(tmp_path, *tricks):
        world = WORKLOADS[workload](Hand())
        losses = train(world, range(3 * STEPS))
    (training,) = read_run(tmp_path).trainings
    means = [sum(losses[i : i + 3]) / 3 for i in range(0, 3 * STEPS, 3)]
    if world.scaler:
        del means[world.overflows // 3]  # a step that was skipped
    assert list(training.series("loss").values) == pytest.approx(means, rel=1e-5)
