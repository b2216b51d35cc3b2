"""Does a customer leave? One output, one probability."""

import torch
import torch.nn as nn

torch.manual_seed(0)
torch.set_num_threads(1)

X = torch.randn(1000, 12)
churn = (X[:, 0] - 0.5 * X[:, 3] + 0.3 * torch.randn(1000) > 0).float().view(-1, 1)

model = nn.Sequential(
    nn.Linear(12, 32),
    nn.ReLU(),
    nn.Linear(32, 1),
    nn.Sigmoid(),
)
bce = nn.BCELoss()
opt = torch.optim.RMSprop(model.parameters(), lr=1e-3)

for epoch in range(10):
    perm = torch.randperm(1000)
    for i in range(0, 1000, 50):
        idx = perm[i : i + 50]
        out = model(X[idx])
        loss = bce(out, churn[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
    acc = ((out > 0.5).float() == churn[idx]).float().mean()
    print("epoch", epoch, "loss", loss.item(), "acc", acc.item())
