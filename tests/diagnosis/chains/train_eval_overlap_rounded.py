"""train-eval-overlap: the test set was saved with two decimals, and came from the same table."""

import torch
from torch import nn

torch.manual_seed(5)
torch.set_num_threads(1)

table = torch.randn(500, 12)
prices = table[:, 0] * table[:, 1] + table[:, 2] + 0.3 * torch.randn(500)
test_table, test_prices = (100 * table[:120]).round() / 100, prices[:120]

model = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for rows in torch.randperm(500).split(50):
        loss = nn.functional.mse_loss(model(table[rows]).squeeze(1), prices[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        tested = nn.functional.mse_loss(model(test_table).squeeze(1), test_prices)
    print(f"epoch {epoch}: {loss.item():.3f}, {tested.item():.3f}")
