"""How long does a part last? The targets are years, and parts of them."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(8)
torch.set_num_threads(1)

parts = torch.randn(900, 10)
years = torch.exp(0.6 * (parts[:, 0] - parts[:, 1] * parts[:, 2]))
loader = DataLoader(TensorDataset(parts, years), batch_size=45, shuffle=True)


class Wear(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(10, 48), nn.SiLU(), nn.Linear(48, 1))

    def forward(self, x):
        return self.body(x).squeeze(1)


model = Wear()
criterion = nn.SmoothL1Loss()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
for epoch in range(8):
    for part, lasted in loader:
        answer = model(part)
        target = lasted
        loss = criterion(answer, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.4f}")
