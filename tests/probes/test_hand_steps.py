"""Steps without an optimizer, told by hand: which changes are steps, and what is looked at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from assay.watching import by_hand
from assay.watching.by_hand import HandSteps
from assay.watching.leaves import Leaf

from .bench import Bench

X = torch.tensor([[1.0, 2.0, 0.0], [0.5, -1.0, 0.0]])


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def leaf(*values: float) -> torch.Tensor:
    return torch.tensor(values, requires_grad=True)


def go_backward(told: Bench, *weights: torch.Tensor, zero: bool = True) -> float:
    """A backward pass of the squares of X @ weight, as seams tell it."""
    loss = sum(((X @ weight).square().sum() for weight in weights), torch.tensor(0.0))
    if zero:
        for weight in weights:
            weight.grad = None
    told.say("backward_begin", loss, False)
    torch.autograd.backward(loss)
    told.say("backward_end", loss)
    return loss.item()


def move(*weights: torch.Tensor, rate: float = 0.01) -> None:
    with torch.no_grad():
        for weight in weights:
            assert weight.grad is not None
            weight -= rate * weight.grad


def steps(told: Bench) -> list[int]:
    return [training.step for training in told.watch.facts.trainings]


def test_numbers_of_each_step(told: Bench) -> None:
    weights = leaf(1.0, 2.0, 3.0), leaf(-1.0, 0.5, 4.0)
    expected: dict[str, list[list[float]]] = {}
    losses = []
    for _ in range(6):
        before = [weight.detach().clone() for weight in weights]
        losses.append(go_backward(told, *weights))
        gradients = [weight.grad for weight in weights]
        move(*weights)
        for number, (old, new, g) in enumerate(zip(before, weights, gradients, strict=True)):
            assert g is not None
            for signal, value in (
                ("grad_norm", g.double().norm()),
                ("grad_max", g.abs().max()),
                ("grad_zero_share", (g == 0).double().mean()),
                ("grad_nonfinite_share", torch.zeros(())),
                ("weight_norm", old.double().norm()),
                ("weight_nonfinite_share", torch.zeros(())),
                ("update_norm", (new - old).double().norm()),
                ("weight_changed_share", (new != old).double().mean()),
            ):
                rows = expected.setdefault(signal, [[], []])
                rows[number].append(value.item())
    (training,) = told.end().trainings
    assert list(training.series("loss").values) == pytest.approx(losses)
    for signal, rows in expected.items():
        for number, row in enumerate(rows):
            found = list(training.series(signal, f"group 0 parameter {1 - number}").values)
            assert found == pytest.approx(row, rel=1e-4), signal
    whole = [(a**2 + b**2) ** 0.5 for a, b in zip(*expected["grad_norm"], strict=True)]
    assert list(training.series("grad_norm").values) == pytest.approx(whole, rel=1e-4)
    shares = [(a + b) / 2 for a, b in zip(*expected["weight_changed_share"], strict=True)]
    assert list(training.series("weight_changed_share").values) == pytest.approx(shares)
    assert set(training.series("stale_grad_norm").values) == {0.0}
    assert training.places("weight_fingerprint") != ()


def test_gradients_that_are_left_from_before(told: Bench) -> None:
    weight, left = leaf(1.0, 2.0, 3.0), [0.0]
    for _ in range(4):
        go_backward(told, weight, zero=False)
        assert weight.grad is not None
        left.append(float(weight.grad.norm()))
        move(weight)
    (training,) = told.end().trainings
    assert list(training.series("stale_grad_norm").values) == pytest.approx(left[:4], rel=1e-4)


def test_passes_without_a_change_are_no_steps(told: Bench) -> None:
    weight = leaf(1.0, 2.0, 3.0)
    for _ in range(5):
        go_backward(told, weight)
    assert steps(told) == []
    move(weight)
    told.say("loss", "mse_loss", None, (), {}, None)
    assert steps(told) == [1], "at the next sign of life"
    told.say("loss", "mse_loss", None, (), {}, None)
    assert steps(told) == [1]
    go_backward(told, weight)
    move(weight)
    told.say("root_begin", torch.nn.Linear(1, 1), (), {})
    assert steps(told) == [2]
    go_backward(told, weight)
    move(weight)
    (training,) = told.end().trainings
    assert len(training.series("loss").values) == 3, "the last one too"


def test_an_optimizer_is_given_64_passes(told: Bench) -> None:
    weight = leaf(1.0, 2.0, 3.0)
    told.say("optimizer_created", told.optimizer)
    for number in range(1, by_hand.PATIENCE + 4):
        go_backward(told, weight)
        seen = number - by_hand.PATIENCE - 1  # the change that follows a pass is seen at the next
        assert steps(told) == ([seen] if seen > 0 else [])
        move(weight, rate=1e-4)


def test_an_optimizer_that_steps_ends_it(told: Bench) -> None:
    weight = leaf(1.0, 2.0, 3.0)
    go_backward(told, weight)
    told.step()
    move(weight)
    go_backward(told, weight)
    told.end()
    assert steps(told) == [1]
    owners = [getattr(listener, "__self__", None) for known in told.hub.listeners.values()
              for listener in known]  # fmt: skip
    assert not any(isinstance(owner, HandSteps) for owner in owners)


@pytest.mark.parametrize(
    ("change", "is_step"),
    [
        (lambda w, g: w - 0.01 * g, True),
        (lambda w, g: w - 0.01 * g + 0.002 * g.roll(1), True),
        (lambda w, g: w + 0.01 * g, False),
        (lambda w, g: w.clone(), False),
        (lambda w, g: -5 * w, False),
        (lambda w, g: torch.cat([w, w]), False),
    ],
)
def test_new_leaves_in_the_place_of_old_ones(
    told: Bench, change: Callable[..., torch.Tensor], is_step: bool
) -> None:
    weight = leaf(1.0, 2.0, 3.0)
    for _ in range(3):
        go_backward(told, weight)
        gradient, old = weight.grad, weight
        weight = change(weight.detach(), gradient)[:3].requires_grad_()
        if len(change(old.detach(), gradient)) > 3:
            weight = leaf(1.0, 2.0)
            break
    if len(weight) == 2:
        told.say("backward_begin", weight.square().sum(), False)
    else:
        go_backward(told, weight)
    assert steps(told) == ([3] if is_step else [])


def test_a_new_leaf_of_zero_may_move_any_way(told: Bench) -> None:
    weight = leaf(0.0, 0.0, 0.0)
    loss = (X @ weight - 1).square().sum()
    told.say("backward_begin", loss, False)
    torch.autograd.backward(loss)
    told.say("backward_end", loss)
    assert weight.grad is not None
    weight = (-weight.grad).requires_grad_()
    go_backward(told, weight)
    assert steps(told) == [1]


def test_two_networks_that_are_trained_in_turn(told: Bench) -> None:
    one, other = leaf(1.0, 2.0, 3.0), leaf(3.0, 2.0, 1.0)
    go_backward(told, one, other)
    move(one, other)
    for number in range(6):
        weight = (one, other)[number % 2]
        go_backward(told, weight)
        move(weight)
    told.end()
    assert steps(told) == [7]


def test_leaves_are_looked_for_anew_after_a_quiet_while(told: Bench) -> None:
    hands, looks = told.watch.by_hand, []
    for quiet in range(200):
        hands._quiet = quiet
        looks += [quiet] * hands._is_to_look()
    assert looks == [*range(4, 64), *range(64, 200, 16)]


def test_what_is_copied_between_samples(told: Bench, monkeypatch: Any) -> None:
    monkeypatch.setattr(by_hand, "WITNESS_ELEMENTS", 3)
    hands = told.watch.by_hand
    weights = [torch.zeros(n, requires_grad=True) for n in (5, 3, 2, 4)]
    hands._leaves = [Leaf(weight) for weight in weights]

    def copied() -> list[int]:
        return [known.elements for known in hands._leaves if known.before is not None]

    told.watch.sampling.active = True
    hands._copy(weights)
    assert copied() == [5, 3, 2, 4]
    kept = hands._leaves[0].before
    hands._copy(weights)
    assert hands._leaves[0].before is kept
    monkeypatch.setattr(by_hand, "COPY_BYTES_AT_MOST", 55)
    hands._copy(weights)
    assert copied() == [3, 2], "14 numbers take 56 bytes"
    monkeypatch.setattr(by_hand, "COPY_BYTES_AT_MOST", 56)
    hands._copy(weights)
    assert copied() == [5, 3, 2, 4]
    told.watch.sampling.active = False
    hands._copy(weights)
    assert copied() == [3, 2]
    monkeypatch.setattr(by_hand, "WITNESS_ELEMENTS", 1)
    hands._copy(weights)
    assert copied() == [2], "one at least"
    monkeypatch.setattr(by_hand, "WITNESS_ELEMENTS", 5)
    monkeypatch.setattr(by_hand, "WITNESSES", 3)
    hands._copy(weights)
    assert copied() == [3, 2, 4]


def test_a_compiled_step_belongs_to_its_optimizer(told: Bench) -> None:
    weight = leaf(1.0, 2.0, 3.0)
    optimizer = torch.optim.SGD([weight], lr=0.25)
    for each in (told.optimizer, optimizer):
        told.say("optimizer_created", each)
    told.say("compile", None)
    for _ in range(3):
        go_backward(told, weight)
        move(weight)
    told.end()
    (training,) = told.watch.facts.trainings
    assert training.optimizer() is optimizer
    assert (training.step, training.rates) == (3, [0.25])


def test_gradients_of_autograd_grad(told: Bench) -> None:
    weight, other = leaf(1.0, 2.0, 3.0), leaf(1.0, 1.0, 1.0)
    norms = []
    for _ in range(4):
        loss = (X @ weight).square().sum()
        told.say("grad_begin", (loss,), [weight])
        gradients = torch.autograd.grad(loss, [weight])
        told.say("grad_end", (loss,), [other], [other.detach()])
        told.say("grad_end", (loss,), [weight], gradients)
        norms.append(float(gradients[0].norm()))
        with torch.no_grad():
            weight -= 0.01 * gradients[0]
    (training,) = told.end().trainings
    place = "group 0 parameter 0"
    assert list(training.series("grad_norm", place).values) == pytest.approx(norms, rel=1e-4)
    assert len(training.series("loss").values) == 4
    assert all(value > 0 for value in training.series("loss").values)


def test_a_gradient_by_what_was_computed_is_no_step(told: Bench) -> None:
    weight = leaf(1.0, 2.0, 3.0)
    for given in ([weight, weight * 2], [weight.detach()], [weight * 2]):
        told.say("grad_begin", weight.sum(), given)
        assert told.watch.by_hand._leaves == []
    told.say("grad_begin", torch.ones(2), weight)
    assert len(told.watch.by_hand._leaves) == 1
    assert told.watch.by_hand._loss is None, "two numbers are no loss"


def test_a_fork_forgets_the_leaves(told: Bench) -> None:
    weight = leaf(1.0, 2.0, 3.0)
    go_backward(told, weight)
    move(weight)
    told.watch.forked()
    told.say("loss", "mse_loss", None, (), {}, None)
    assert steps(told) == []
