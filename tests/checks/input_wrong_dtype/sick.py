"""How likely is it that a part fails? The targets are chances between 0 and 1."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(8)
torch.set_num_threads(1)

parts = torch.randn(900, 10)
chances = torch.sigmoid(parts[:, 0] - parts[:, 1] * parts[:, 2])
loader = DataLoader(TensorDataset(parts, chances), batch_size=45, shuffle=True)


class Wear(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(10, 48), nn.SiLU(), nn.Linear(48, 1))

    def forward(self, x):
        return self.body(x).squeeze(1)


model = Wear()
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
for epoch in range(8):
    for part, chance in loader:
        answer = model(part)
        target = chance.long()  # expect: input-wrong-dtype
        loss = criterion(answer, target.float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.4f}")
