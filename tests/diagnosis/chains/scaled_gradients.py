"""exploding-gradient: gradients are 65536 times too large, as without scaler.unscale_()."""

import torch
from clusters import cross_entropy, network, train

model = network(32, 64, 64, 10)
optimizer = torch.optim.SGD(model.parameters(), 0.01)
train(
    model, optimizer,
    loss_function=lambda output, answers: 65536 * cross_entropy(output, answers),
)  # fmt: skip
