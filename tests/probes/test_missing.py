"""Why something was not recorded: what its probe says, never a guess."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from assay.journal.events import EVENTS
from assay.journal.missing import recorded, why_missing
from assay.journal.signals import SIGNALS
from assay.probes.data.batches import Batches
from assay.probes.loss.losses import Losses
from assay.probes.model.activations import Activations
from assay.testing import make_run

Watching = Callable[..., AbstractContextManager[Any]]


def train(model: Any, loss: Callable[[torch.Tensor], torch.Tensor], steps: int = 3) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(model(torch.randn(8, 4))).backward()
        optimizer.step()


def labels(classes: int) -> torch.Tensor:
    return torch.arange(8) % classes


def test_of_what_was_not_called(watched: Watching) -> None:
    with watched(Losses, Batches, Activations) as seen:
        train(nn.Linear(4, 2), lambda out: out.square().mean())
    for name, why in {
        "loss_call": "no loss function of torch.nn was called",
        "loader": "no DataLoader was iterated",
        "dead_unit_share": "no ReLU inside a trained model was seen",
    }.items():
        assert not recorded(seen.view, name)
        assert why_missing(seen.view, name) == why
    assert recorded(seen.view, "input")


def test_a_loss_that_is_not_looked_at_was_called_all_the_same(watched: Watching) -> None:
    lengths = torch.tensor([8]), torch.tensor([2])

    def loss(out: torch.Tensor) -> torch.Tensor:
        return F.ctc_loss(out.log_softmax(1).unsqueeze(1), torch.ones(1, 2).long(), *lengths)

    with watched(Losses) as seen:
        train(nn.Linear(4, 3), loss)
    assert not recorded(seen.view, "loss_call")
    why = why_missing(seen.view, "loss_call")
    assert why == "ctc_loss was called, whose arguments are not looked at"


def test_of_values_that_are_no_single_number(watched: Watching) -> None:
    with watched(Losses) as seen:
        train(
            nn.Linear(4, 2),
            lambda out: F.cross_entropy(out, labels(2), reduction="none").mean(),
        )
    why = why_missing(seen.view, "loss_call_value")
    assert why == "cross_entropy gave back 8 numbers, not one"


@pytest.mark.parametrize(
    ("shape", "classes", "why"),
    [
        ((8, 100), 100, "100 classes are too many to count one by one"),
        ((8, 3, 5), 3, "cross_entropy was given several labels for each row"),
    ],
)
def test_of_labels_that_are_not_counted(
    watched: Watching, shape: tuple[int, ...], classes: int, why: str
) -> None:
    size = int(torch.tensor(shape[1:]).prod())
    target = torch.zeros(8, *shape[2:], dtype=torch.long)
    with watched(Losses) as seen:
        train(nn.Linear(4, size), lambda out: F.cross_entropy(out.reshape(shape), target))
    assert why_missing(seen.view, "label_count") == why


def test_of_units_that_were_seen_too_rarely(watched: Watching) -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    with watched(Activations) as seen:
        train(model, lambda out: out.square().mean())
    why = why_missing(seen.view, "dead_unit_share")
    assert why == "a ReLU was seen in 3 sampled steps, and 16 are needed"


def test_steps_that_were_not_sampled_are_not_spoken_for(watched: Watching) -> None:
    with watched(Losses) as seen:
        train(nn.Linear(4, 2), lambda out: out.square().mean(), steps=90)
        weight = torch.zeros(2, 2, requires_grad=True)
        optimizer = torch.optim.SGD([weight], lr=0.1)
        F.cross_entropy(weight, labels(2)[:2]).backward()
        optimizer.step()
    why = why_missing(seen.view, "loss_call")
    cost = seen.view.facts["cost"]
    assert why == (
        f"no loss function of torch.nn was called in the {cost['samples']} sampled of 91 steps "
        f"(none after step {cost['last']})"
    )


def test_a_failed_probe_is_the_reason_before_all_others() -> None:
    run = make_run(loss=[1.0])
    run.skipped["losses"] = "compiled"
    assert why_missing(run, "loss_call") == "compiled"
    run.failed["losses"] = "ZeroDivisionError: division by zero"
    said = "the probe `losses` failed: ZeroDivisionError: division by zero"
    assert why_missing(run, "loss_call") == why_missing(run, "label_count") == said
    assert "failed" not in why_missing(run, "grad_norm")


def test_a_signal_that_a_probe_spoke_of_comes_before_the_probe() -> None:
    run = make_run(loss=[1.0])
    run.skipped["gradients"], run.skipped["update_norm"] = "all of it", "no memory"
    assert why_missing(run, "update_norm") == "no memory"
    assert why_missing(run, "grad_norm") == "all of it"


def test_of_a_killed_process_nothing_is_claimed() -> None:
    assert why_missing(make_run(loss=[1.0]), "loss_call").endswith("in the sampled steps")


def test_a_name_that_nobody_records_has_no_reason() -> None:
    for ask in (recorded, why_missing):
        with pytest.raises(KeyError, match="did you mean"):
            ask(make_run(), "los_call")
    assert not set(SIGNALS) & set(EVENTS), "a name is a signal or an event"


def test_of_a_symmetric_loss_the_target_is_the_side_that_needs_no_gradient(
    watched: Watching,
) -> None:
    with watched(Losses) as seen:
        train(nn.Linear(4, 2), lambda out: F.mse_loss(torch.full((8, 2), 7.0), out))
    (training,) = seen.view.trainings
    (place,) = training.places("target_mean")
    assert set(training.series("target_mean", place).values) == {7.0}


def test_where_both_sides_need_a_gradient_neither_is_the_target(watched: Watching) -> None:
    with watched(Losses) as seen:
        train(nn.Linear(4, 2), lambda out: F.mse_loss(out.flip(0), out))
    assert not recorded(seen.view, "target_mean")
    why = why_missing(seen.view, "target_mean")
    assert why == "which side of mse_loss is the target is unknown: both sides need a gradient"
