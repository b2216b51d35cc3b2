"""step-missing: the loss's temperature is trained, the network's optimizer is forgotten."""

import torch
from clusters import labels, network, points

model = network(32, 64, 10)
temperature = torch.nn.Parameter(torch.zeros(()))
main = torch.optim.Adam(model.parameters(), 1e-3)
other = torch.optim.SGD([temperature], 1e-3)
for _ in range(200):
    rows = torch.randint(len(points), (64,))
    main.zero_grad()
    other.zero_grad()
    logits = model(points[rows]) * temperature.exp()
    torch.nn.functional.cross_entropy(logits, labels[rows]).backward()
    other.step()
