"""Ten clusters of points, a small network and its loop: what the scripts beside this file spoil."""

import itertools

import torch
from torch import nn
from torch.nn.functional import cross_entropy

torch.manual_seed(0)
torch.set_num_threads(1)

labels = torch.randint(10, (2048,))
points = torch.randn(10, 32)[labels] + torch.randn(2048, 32)
points = (points - points.mean(0)) / points.std(0)
targets = points @ torch.randn(32, 1)


def network(*sizes, activation=nn.ReLU, norm=None):
    """Linear layers of these sizes; `norm` and `activation` after each but the last."""
    layers = []
    for before, after in itertools.pairwise(sizes):
        layers += [nn.Linear(before, after), *([norm(after)] if norm else []), activation()]
    return nn.Sequential(*layers[: -2 if norm else -1])


def linears(model):
    """The linear layers of a model."""
    return [layer for layer in model if isinstance(layer, nn.Linear)]


def train(
    model, optimizer, inputs=points, answers=labels, loss_function=cross_entropy, clear=True,
    order=None, steps=200,
):  # fmt: skip
    """Steps on random batches of 64, or on slices of a fixed order."""
    for step in range(steps):
        rows = torch.randint(len(inputs), (64,)) if order is None else order.roll(-64 * step)[:64]
        if clear:
            optimizer.zero_grad()
        loss = loss_function(model(inputs[rows]), answers[rows])
        loss.backward()
        optimizer.step()
