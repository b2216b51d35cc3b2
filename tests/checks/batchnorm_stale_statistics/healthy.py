"""A small momentum in a long enough run on whitened data, as ports of networks from TensorFlow have
it, and one norm that is frozen at what was measured before.
"""

import torch
from torch import nn

torch.manual_seed(14)
torch.set_num_threads(1)

x = torch.randn(2000, 10) @ torch.randn(10, 10)
x = (x - x.mean(0)) / x.std(0)
y = (x[:, :3].sum(1) + 0.5 * torch.randn(2000)).unsqueeze(1)

stem = nn.BatchNorm1d(10, affine=False, momentum=None)
stem(x[:1600])  # measured once, on all training data
body = nn.Sequential(
    nn.Linear(10, 32), nn.BatchNorm1d(32, momentum=0.01, eps=1e-3), nn.SiLU(), nn.Linear(32, 1)
)
model = nn.Sequential(stem, body)
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
loss_fn = nn.MSELoss()
for epoch in range(14):
    model.train()
    stem.eval()
    for i in torch.randperm(1600).split(40):
        loss = loss_fn(model(x[i]), y[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        held = loss_fn(model(x[1600:]), y[1600:]).item()
    print(f"epoch {epoch}: {loss.item():.4f}, held out {held:.4f}")
