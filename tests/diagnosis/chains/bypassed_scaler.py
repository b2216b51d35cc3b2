"""scaler-bypassed: a deep network in bfloat16, whose optimizer never hears of the loss scale."""

import torch
from clusters import cross_entropy, labels, network, points

model = network(32, 96, 96, 10)
optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
scaler = torch.amp.GradScaler("cpu")
for _ in range(200):
    rows = torch.randint(len(points), (64,))
    optimizer.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = model(points[rows])
    scaler.scale(cross_entropy(output.float(), labels[rows])).backward()
    optimizer.step()
