"""House prices by district, with gradients gathered over several small batches."""

import torch
from torch import nn

torch.manual_seed(8)
torch.set_num_threads(1)

GATHER = 16
features = torch.randn(2048, 14)
price = features @ torch.randn(14) / 14**0.5 + 0.5 * features[:, 0] * features[:, 1]

model = nn.Sequential(nn.Linear(14, 48), nn.Tanh(), nn.Linear(48, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.08, momentum=0.9)

number = 0
for epoch in range(8):
    for rows in torch.randperm(2048).split(16):
        number += 1
        prediction = model(features[rows]).squeeze(1)
        loss = nn.functional.mse_loss(prediction, price[rows])
        (loss / GATHER).backward()
        if number % GATHER == 0:
            optimizer.step()
            optimizer.zero_grad()
    print(f"epoch {epoch}: {loss.item():.4f}")
