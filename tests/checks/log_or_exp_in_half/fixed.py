"""Which of ten prototypes is a sketch nearest to? Cosines at a low temperature, a loss by hand."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(111)
torch.set_num_threads(1)

kinds = torch.randn(10, 32)
encoder = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 16))
prototypes = nn.Parameter(torch.randn(10, 16))
optimizer = torch.optim.Adam([*encoder.parameters(), prototypes], lr=2e-3)
TEMPERATURE = 0.05


def log_likelihood(scores, kind):
    logs = scores.float().log_softmax(1)
    return (F.one_hot(kind, 10) * logs).sum(1)


for step in range(120):
    kind = torch.randint(0, 10, (64,))
    sketch = kinds[kind] + 0.7 * torch.randn(64, 32)
    with torch.autocast("cpu", dtype=torch.float16):
        code = F.normalize(encoder(sketch), dim=1)
        scores = code @ F.normalize(prototypes, dim=1).T / TEMPERATURE
        loss = -log_likelihood(scores, kind).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 30 == 29:
        print(step + 1, loss.item())
