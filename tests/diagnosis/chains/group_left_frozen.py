"""frozen-by-accident: the body has a learning rate of its own, and nobody thaws it."""

import torch
from torch import nn

torch.manual_seed(1)
torch.set_num_threads(1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
        self.head = nn.Linear(64, 5)

    def forward(self, x):
        return self.head(self.body(x))


x = torch.randn(1000, 16)
y = (x @ torch.randn(16, 5)).argmax(1)
net = Net()
net.body.requires_grad_(False)
optimizer = torch.optim.AdamW(
    [{"params": net.body.parameters(), "lr": 1e-4}, {"params": net.head.parameters()}], lr=1e-3
)
for epoch in range(10):
    for rows in torch.randperm(1000).split(50):
        loss = nn.functional.cross_entropy(net(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.4f}")
