"""Monte Carlo dropout over a loader: an error bar for each answer, from ten passes in training
mode. Between epochs it is validated in evaluation mode, with dropout by function too.
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(5)
torch.set_num_threads(1)


class Regressor(nn.Module):
    def __init__(self, p=0.1):
        super().__init__()
        self.first = nn.Linear(6, 64)
        self.second = nn.Linear(64, 64)
        self.last = nn.Linear(64, 1)
        self.drop = nn.Dropout(p)
        self.p = p

    def forward(self, x):
        x = self.drop(torch.tanh(self.first(x)))
        x = F.dropout(torch.tanh(self.second(x)), self.p, training=self.training)
        return self.last(x).squeeze(1)


def make(n):
    x = torch.rand(n, 6)
    return TensorDataset(x, torch.sin(3 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.05 * torch.randn(n))


train, held = make(800), make(200)
loader, held_loader = DataLoader(train, 40, shuffle=True), DataLoader(held, 50)
model = Regressor()
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(6):
    model.train()
    for x, y in loader:
        loss = F.mse_loss(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        held_loss = sum(F.mse_loss(model(x), y).item() for x, y in held_loader) / len(held_loader)
    print(f"epoch {epoch}: {loss.item():.4f}, held out {held_loss:.4f}")

model.train()
with torch.inference_mode():
    passes = torch.stack([torch.cat([model(x) for x, _ in held_loader]) for _ in range(10)])
    truth = torch.cat([y for _, y in held_loader])
    mean, spread = passes.mean(0), passes.std(0)
    print(f"mean of ten: {F.mse_loss(mean, truth):.4f}, spread {spread.mean():.3f}")
