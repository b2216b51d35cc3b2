"""What experiments have in common: the digits, a small network, a loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

    Data = tuple[Tensor, Tensor]


def digits(train: int = 1200) -> tuple[Data, Data]:
    """Returns the bundled digits, with mean 0 and standard deviation 1, in a fixed random order.

    Args:
        train: How many of the 1,797 are for training.

    Returns:
        Images [n, 64] and labels [n] to train on, and those that are held out.
    """
    import torch

    from ..demo.digits import load

    images, labels = load()
    images = (images - images.mean()) / images.std()
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    images, labels = images[order], labels[order]
    return (images[:train], labels[:train]), (images[train:], labels[train:])


def mlp(widths: Sequence[int], between: Callable[[], nn.Module]) -> nn.Sequential:
    """Returns linear layers of these widths, with something between them."""
    from torch import nn

    layers: list[nn.Module] = []
    for into, out in pairwise(widths):
        layers += [nn.Linear(into, out), between()]
    return nn.Sequential(*layers[:-1])


def train(
    model: nn.Module,
    data: Data,
    optimizer: Optimizer,
    steps: int,
    batch: int = 64,
    before: Callable[[int], None] | None = None,
    after_backward: Callable[[int], None] | None = None,
) -> list[float]:
    """Trains a classifier on random batches, which depend on the step alone.

    Args:
        model: Gives logits.
        data: Inputs and labels.
        optimizer: Holds the model's parameters.
        steps: How many to take.
        batch: Samples in each.
        before: Called with the number of each step before it, to set rates.
        after_backward: Called with it when the gradients are there.

    Returns:
        The loss of each batch before its step.
    """
    import torch

    drawn = torch.Generator().manual_seed(1)
    losses = []
    for step in range(steps):
        if before:
            before(step)
        rows = torch.randint(len(data[0]), (batch,), generator=drawn)
        loss = torch.nn.functional.cross_entropy(model(data[0][rows]), data[1][rows])
        optimizer.zero_grad()
        loss.backward()
        if after_backward:
            after_backward(step)
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


def loss_and_accuracy(model: nn.Module, data: Data) -> tuple[float, float]:
    """Returns the mean loss over all data and the share that is recognised, in evaluation mode."""
    import torch

    model.eval()
    with torch.no_grad():
        logits = model(data[0])
    model.train()
    loss = torch.nn.functional.cross_entropy(logits, data[1])
    return float(loss), float((logits.argmax(1) == data[1]).float().mean())


def set_rate(optimizer: Optimizer, rate: float) -> None:
    """Sets the learning rate of all groups."""
    for group in optimizer.param_groups:
        group["lr"] = rate
