"""What is measured of each call of a loss function, one call at a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay.journal.events import LOSS_CALL
from assay.probes.loss import losses
from assay.probes.loss.losses import Losses, producer

from .conftest import Watching

LABELS = torch.tensor([0, 1, 1, 2])
BASE = torch.tensor([[4.0, 1.0, 0.0], [0.0, 3.0, 1.0], [0.0, 1.0, 2.0], [5.0, 0.0, 1.0]])
HALF = torch.tensor([[0.5, 0.5], [0.25, 0.75]])
BITS = torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
ENTROPY = -(0.25 * math.log(0.25) * 2 + 0.5 * math.log(0.5))
Loss = Callable[[Tensor], Tensor]


def measured(watched: Watching, loss: Loss, start: Tensor = BASE) -> tuple[dict[str, Any], Any]:
    """Numbers of one call, without `loss_` before them, and the whole view."""
    with watched(Losses) as seen:
        weight = nn.Parameter(start.clone())
        optimizer = torch.optim.SGD([weight], lr=0.0)
        loss(weight).sum().backward()
        optimizer.step()
    (training,) = seen.view.trainings
    probed = {
        name: places
        for name, places in training.signals.items()
        if name not in ("loss", "time_s", "learning_rate")
    }
    numbers: dict[str, Any] = {}
    for name, places in probed.items():
        values = {place: series.last for place, series in places.items()}
        numbers[name] = values if name == "label_count" else next(iter(values.values()))
    return numbers, seen.view


def close(found: dict[str, Any], **expected: Any) -> bool:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-5, abs=1e-6), name
    return True


def test_a_loss_of_classes(watched: Watching) -> None:
    found, view = measured(watched, lambda out: F.cross_entropy(out, LABELS))
    assert close(
        found, loss_call_value=1.41702019, loss_accuracy=0.5,
        target_counted=4.0, target_counted_share=1.0, label_entropy=ENTROPY,
        label_count={"0": 1.0, "1": 2.0, "2": 1.0},
    )  # fmt: skip
    (call,) = view.events(LOSS_CALL)
    assert call.data["requires_grad"] is True
    assert call.data["producer"] is None


def test_labels_that_are_ignored(watched: Watching) -> None:
    found, _ = measured(watched, lambda out: F.cross_entropy(out, LABELS, ignore_index=1))
    assert close(
        found, loss_call_value=float(F.cross_entropy(BASE[[0, 3]], LABELS[[0, 3]])),
        loss_accuracy=0.5, target_counted=2.0, target_counted_share=0.5,
        label_entropy=math.log(2), label_count={"0": 1.0, "1": 0.0, "2": 1.0},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "accuracy"),
    [
        (lambda out: out - 2, 6 / 12),
        (lambda out: out / 5, 7 / 12),
        (lambda out: out / 5 - 0.01, 7 / 12),
        (lambda out: out / 4, 7 / 12),
    ],
)
def test_a_loss_of_bits(
    watched: Watching, change: Callable[[Tensor], Tensor], accuracy: float
) -> None:
    def loss(out: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(change(out), BITS)

    found, _ = measured(watched, loss)
    assert close(
        found, loss_call_value=float(loss(BASE)),
        target_min=0.0, target_max=1.0, target_mean=7 / 12, target_std=math.sqrt(7 / 12 * 5 / 12),
        loss_accuracy=accuracy,
    )  # fmt: skip


def test_a_loss_of_numbers(watched: Watching) -> None:
    target = torch.tensor([[1.0, -2.0, 3.0]]).expand(4, 3)
    found, _ = measured(watched, lambda out: F.l1_loss(out, target))
    assert close(
        found, loss_call_value=float(F.l1_loss(BASE, target)), target_min=-2.0, target_max=3.0,
        target_mean=2 / 3, target_std=math.sqrt(14 / 3 - 4 / 9),
    )  # fmt: skip


def test_several_labels_for_each_row_and_too_many_classes(
    watched: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture, labels = BASE.reshape(2, 2, 3).transpose(1, 2), LABELS.reshape(2, 2)
    found, view = measured(watched, lambda out: F.cross_entropy(out, labels), picture)
    assert found["loss_accuracy"] == 0.5
    assert not {"label_entropy", "label_count"} & found.keys()
    assert view.skipped["label_count"] == "cross_entropy was given several labels for each row"
    monkeypatch.setattr(losses, "COUNTED_AT_MOST", 2)
    found, view = measured(watched, lambda out: F.cross_entropy(out, LABELS))
    assert found["label_entropy"] == pytest.approx(ENTROPY)
    assert "label_count" not in found
    assert view.skipped["label_count"] == "3 classes are too many to count one by one"
    monkeypatch.setattr(losses, "CLASSES_AT_MOST", 2)
    found, view = measured(watched, lambda out: F.cross_entropy(out, LABELS))
    assert "label_entropy" not in found


def test_a_margin_loss_and_a_distribution(watched: Watching) -> None:
    found, _ = measured(watched, lambda out: F.multi_margin_loss(out, LABELS))
    assert (found["loss_accuracy"], found["target_counted_share"]) == (0.5, 1.0)
    found, _ = measured(watched, lambda out: F.cross_entropy(out, BASE.softmax(1)))
    assert found["target_mean"] == pytest.approx(1 / 3)
    assert "loss_accuracy" not in found


def test_values_that_are_not_one_number(watched: Watching) -> None:
    found, view = measured(watched, lambda out: F.mse_loss(out, BITS, reduction="none"))
    assert "loss_call_value" not in found
    assert view.skipped["loss_call_value"] == "mse_loss gave back 12 numbers, not one"
    assert next(view.events(LOSS_CALL)).data["reduction"] == "none"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda x: x.sigmoid(), "Sigmoid"),
        (lambda x: x.sigmoid().reshape(-1).unsqueeze(0).squeeze(0), "Sigmoid"),
        (lambda x: x.t().t().sigmoid()[0], "Sigmoid"),
        (lambda x: x.log_softmax(1).clone(), "LogSoftmax"),
        (lambda x: x @ x.t(), "Mm"),
        (lambda x: x.detach(), None),
    ],
)
def test_what_made_a_tensor(change: Callable[[Tensor], Tensor], expected: str | None) -> None:
    assert producer(change(torch.ones(2, 2, requires_grad=True))) == expected


def test_a_loss_without_a_graph_and_a_pass_that_fails(watched: Watching) -> None:
    with watched(Losses) as seen:
        weight = nn.Parameter(torch.ones(2))
        optimizer = torch.optim.SGD([weight], lr=0.1)
        weight.sum().backward()
        optimizer.step()
        for _ in range(2):
            torch.tensor(1.0, requires_grad=True).backward()
        with pytest.raises(RuntimeError, match="does not require grad"):
            torch.tensor(1.0).backward()
        torch.autograd.backward([weight.sum(), weight.prod()])
    found = [dict(event.data) for event in seen.view.events("loss_without_graph")]
    assert found == [{"requires_grad": True}, {"requires_grad": False}] or found == [
        {"requires_grad": True}
    ]
    (failed,) = seen.view.events("backward_failed")
    assert failed.data["error"].startswith("element 0 of tensors does not require grad")


@pytest.mark.parametrize("size", [0, 1])
def test_targets_of_no_or_one_number(watched: Watching, size: int) -> None:
    target = torch.full((size, 3), 2.0)
    found, _ = measured(watched, lambda out: F.mse_loss(out[:size], target, reduction="sum"))
    assert ("target_mean" in found) is bool(size)
    labels = torch.ones(size, dtype=torch.long)
    found, _ = measured(watched, lambda out: F.cross_entropy(out[:size], labels, reduction="sum"))
    assert found.get("target_counted_share") == (1.0 if size else None)
