"""Maximum likelihood for a click model with hand-written log-likelihood."""

import torch
from torch import nn

torch.manual_seed(1)
torch.set_num_threads(1)

n = 3000
x = torch.randn(n, 8)
clicked = (x @ torch.linspace(-2, 2, 8) + 0.5 * torch.randn(n) > 0).float()


class ClickModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, x):
        return torch.sigmoid(self.net(x)).squeeze(1)


def log_likelihood(p, y):
    return (y * p.log() + (1 - y) * (1 - p).log()).mean()  # expect: loss-not-finite


model = ClickModel()
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)

for step in range(300):
    batch = torch.randint(0, n, (128,))
    loss = -log_likelihood(model(x[batch]), clicked[batch])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
