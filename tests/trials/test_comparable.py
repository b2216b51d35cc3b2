"""Losses and errors that mean the same whatever trick is on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from assay.probes.run.comparable import loss_alike, wrong_share
from assay.testing import WarmRunner

Train = Callable[..., Path]


def test_a_softmax_before_cross_entropy_is_undone() -> None:
    logits, labels = torch.randn(8, 5), torch.randint(5, (8,))
    right = F.cross_entropy(logits, labels)
    for given in (logits, logits.softmax(1), logits.log_softmax(1)):
        alike = loss_alike("cross_entropy", given, labels, -100)
        assert alike is not None
        torch.testing.assert_close(alike, right)


def test_shapes_are_made_equal() -> None:
    output, target = torch.randn(8, 1), torch.randn(8)
    alike = loss_alike("mse_loss", output, target, None)
    assert alike is not None
    torch.testing.assert_close(alike, F.mse_loss(output.squeeze(1), target))


def test_ignored_labels_do_not_count() -> None:
    logits, labels = torch.tensor([[2.0, 1.0], [0.0, 3.0], [5.0, 0.0]]), torch.tensor([1, 1, -100])
    wrong = wrong_share("cross_entropy", logits, labels, -100)
    assert wrong == 0.5
    assert loss_alike("cross_entropy", logits, labels, -100) == F.cross_entropy(logits, labels)


@pytest.mark.parametrize(
    ("name", "source", "target"),
    [
        ("cross_entropy", torch.randn(4, 3), torch.rand(4, 3)),
        ("cross_entropy", torch.randn(3), torch.tensor(1)),
        ("mse_loss", torch.randn(4, 1), torch.randn(4, 2)),
        ("kl_div", torch.randn(4, 3), torch.rand(4, 3)),
    ],
)
def test_what_is_not_known_is_not_said(
    name: str, source: torch.Tensor, target: torch.Tensor
) -> None:
    assert loss_alike(name, source, target, -100) is None
    assert wrong_share(name, source, target, -100) is None


@pytest.mark.parametrize("name", ["binary_cross_entropy", "binary_cross_entropy_with_logits"])
def test_yes_or_no(name: str) -> None:
    output, target = torch.tensor([0.9, 0.2, 0.8, 0.4]), torch.tensor([1.0, 0.0, 0.0, 0.0])
    by_logits = name.endswith("logits")
    assert wrong_share(name, output, target, None) == (0.75 if by_logits else 0.25)


ELEMENTS = ["mse_loss", "l1_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits"]


@pytest.mark.parametrize("name", ELEMENTS)
def test_losses_of_numbers_are_torch_s_own(name: str) -> None:
    output, target = torch.rand(50), (torch.rand(50) > 0.5).float()
    alike = loss_alike(name, output, target, None)
    assert alike is not None
    torch.testing.assert_close(alike, getattr(F, name)(output, target))


def test_measuring_changes_nothing_and_has_every_step(warm: WarmRunner, train: Train) -> None:
    script = train(also="step == 59 and print(repr([p.sum().item() for p in model.parameters()]))")
    said = []
    for settings in ({}, {"comparable": True}):
        folder = script.parent / f"run{len(said)}"
        # the script's own print, so that the weights are those of the user's process
        script.write_text(
            script.read_text().replace("print(repr(", "open('weights', 'w').write(repr(")
        )
        seen = warm.observe([str(script)], settings, run_dir=folder)
        assert seen.outcome.exit_code == 0
        said.append(Path("weights").read_text())
        measured = seen.view.trainings[0].series("loss_alike")
        assert len(measured) == (60 if settings else 0)
    Path("weights").unlink()
    assert said[0] == said[1]
    assert len(json.loads(said[0])) == 4
    loss = seen.view.trainings[0].series("loss")
    assert list(measured.values) == pytest.approx(list(loss.values), rel=1e-5)
