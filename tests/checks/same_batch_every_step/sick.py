"""Every step asks a loader for a new iterator, which begins at the first batch again."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(17)
torch.set_num_threads(1)

centres = 1.2 * torch.randn(4, 16)
y = torch.randint(0, 4, (900,))
x = centres[y] + 1.5 * torch.randn(900, 16)
train = DataLoader(TensorDataset(x[:700], y[:700]), batch_size=35)
test = DataLoader(TensorDataset(x[700:], y[700:]), batch_size=100)

model = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)


@torch.no_grad()
def evaluate():
    model.eval()
    losses = [F.cross_entropy(model(inputs), labels).item() for inputs, labels in test]
    model.train()
    return sum(losses) / len(losses)


for step in range(300):
    inputs, labels = next(iter(train))  # expect: same-batch-every-step
    loss = F.cross_entropy(model(inputs), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 30 == 29:
        print(f"step {step}: training {loss.item():.3f}, held out {evaluate():.3f}")
