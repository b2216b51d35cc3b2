"""exploding-gradient: one burst at the first step leaves ReLU units dead."""

import torch
from clusters import cross_entropy, network, train

model = network(32, 64, 64, 10)
scales = iter([1e5] + [1.0] * 199)


def spoilt_once(output, answers):
    """The loss as it is, with a gradient that is far too large at the first step."""
    loss, scale = cross_entropy(output, answers), next(scales)
    return scale * loss - (scale - 1) * loss.detach()


train(model, torch.optim.SGD(model.parameters(), 0.05), loss_function=spoilt_once)
