"""Means over nothing, in every spelling, and on which line they were computed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from assay.probes.loss import counted
from assay.probes.loss.counted import counted_nothing
from assay.probes.loss.graphs import walk
from assay.testing import WarmRunner

from .noting import Noting

LOGITS = torch.arange(12.0).reshape(4, 3)
NONE, LABELS = torch.zeros(4, dtype=torch.bool), torch.tensor([0, 1, 2, 1])
IGNORED = torch.full((4,), -100)
ROW = torch.tensor([True, False, True, True])


def nothing(loss: Callable[[torch.Tensor], torch.Tensor]) -> list[dict[str, Any]]:
    root = loss(LOGITS.clone().requires_grad_()).grad_fn
    return [found for node, _ in walk(root) if (found := counted_nothing(node)) is not None]


def each(x: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(x, LABELS, reduction="none")


@pytest.mark.parametrize(
    ("loss", "kind", "of"),
    [
        (lambda x: F.cross_entropy(x, IGNORED), "ignored", 4),
        (lambda x: F.nll_loss(x.log_softmax(1), IGNORED), "ignored", 4),
        (lambda x: F.cross_entropy(x.T[None], IGNORED[None]), "ignored", 4),
        (lambda x: F.cross_entropy(x, IGNORED, reduction="sum") / NONE.sum(), "ignored", 4),
        (lambda x: (each(x) * NONE).sum() / NONE.sum(), "masked", 4),
        (lambda x: (NONE.float() * each(x)).sum() / NONE.sum(), "masked", 4),
        (lambda x: torch.where(NONE, each(x), 0.0).sum() / NONE.sum(), "masked", 4),
        (lambda x: torch.where(~NONE, 0.0, each(x)).sum() / NONE.sum(), "masked", 4),
        (lambda x: each(x).masked_fill(~NONE, 0).sum() / NONE.sum(), "masked", 4),
        (lambda x: each(x)[NONE].mean(), "selected", 4),
        (lambda x: each(x)[NONE].sum() / NONE.sum(), "selected", 4),
        (lambda x: F.mse_loss(x[NONE], LOGITS[NONE]), "selected", 4),
        (lambda x: F.l1_loss(x[NONE], LOGITS[NONE]), "selected", 4),
        (lambda x: F.cross_entropy(x[NONE], LABELS[NONE]), "selected", 4),
        (lambda x: x.masked_select(NONE[:, None]).mean(), "selected", 12),
        (lambda x: F.cross_entropy(x[:0], LABELS[:0]), "empty", None),
        (lambda x: F.mse_loss(x[:0], LOGITS[:0]), "empty", None),
        (lambda x: (x[:0] ** 2).mean(), "empty", None),
        (lambda x: F.binary_cross_entropy_with_logits(x[:0], LOGITS[:0]), "empty", None),
    ],
)
def test_spellings(loss: Callable[[torch.Tensor], torch.Tensor], kind: str, of: int | None) -> None:
    assert torch.isnan(loss(LOGITS))
    (found,) = nothing(loss)
    assert (found["kind"], found.get("of")) == (kind, of)


def test_rows_without_a_target() -> None:
    mask = torch.ones(4, 3) * ROW[:, None]
    (found,) = nothing(lambda x: ((x * mask).sum(1) / mask.sum(1)).mean())
    assert (found["kind"], found["rows"]) == ("masked", [1, 4])


@pytest.mark.parametrize(
    "loss",
    [
        lambda x: F.cross_entropy(x, LABELS),
        lambda x: F.cross_entropy(x, torch.where(ROW, LABELS, -100)),
        lambda x: (each(x) * NONE).sum() / NONE.sum().clamp(min=1),
        lambda x: each(x)[NONE].sum(),
        lambda x: F.mse_loss(x[NONE], LOGITS[NONE], reduction="sum"),
        lambda x: F.cross_entropy(
            x, LABELS, weight=torch.zeros(3)
        ),  # weights of 0, no targets of none
        lambda x: (x / 0).mean(),  # every prediction counts
        lambda x: ((x - x.mean()) / x.detach().sub(x.detach()).std()).mean(),
        lambda x: (x * 0.0).sum() / torch.tensor(0.0),
    ],
)
def test_what_is_no_mean_over_nothing(loss: Callable[[torch.Tensor], torch.Tensor]) -> None:
    assert nothing(loss) == []


SCRIPT = """
import torch
from torch import nn
torch.manual_seed(0)
torch.set_num_threads(1)
x, y = torch.randn(480, 6), torch.randn(480, 1)
model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)

def error(prediction, target, mask):
    squared = (prediction - target) ** 2
    total = (squared * mask).sum()
    return total / mask.sum()

for step in range(60):
    rows = slice(step * 8, step * 8 + 8)
    loss = error(model(x[rows]), y[rows], torch.ones(8, 1) * float(step != 50))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


def test_the_line_that_divides_is_known_between_samples(tmp_path: Path, warm: WarmRunner) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT, encoding="utf-8")
    view = warm.observe([str(script)], run_dir=tmp_path / "run").view
    assert not view.errors
    (event,) = view.events("nothing_counted")
    assert event.step == 50
    assert event.data["line"][1:] == [13, "error"]


class Unrecorded(Noting):
    """Lets a graph be looked at."""

    def unrecorded(self) -> Any:
        return contextlib.nullcontext()


def test_how_often_a_loss_is_looked_at() -> None:
    watch = Unrecorded(trainings=["first", "last"])
    probe = counted.Counted(watch)
    leaf = LOGITS.clone().requires_grad_()
    whole, empty = leaf.sum(), F.cross_entropy(leaf, IGNORED)
    for left in range(counted.LOOKS_AT_MOST - 1, -1, -1):
        probe.on_loss_not_finite(whole)
        assert probe._looks == left
    probe.on_loss_not_finite(empty)
    assert watch.events == []
    probe = counted.Counted(watch)
    probe.on_loss_not_finite((empty,))
    probe.on_loss_not_finite(torch.ones(()))
    assert probe._looks == counted.LOOKS_AT_MOST
    probe.on_checkpointing()
    probe.on_loss_not_finite(empty)
    assert watch.events == []
    probe = counted.Counted(watch)
    probe.on_loss_not_finite(empty)
    ((kind, data),) = watch.events
    assert (kind, probe._looks) == ("nothing_counted", 0)
    assert data == {
        "kind": "ignored", "operation": "NllLoss", "of": 4, "ignored": -100, "rows": None,
        "line": ["train.py", 7, empty.grad_fn.name()],
    }  # fmt: skip
