"""Concrete dropout: the rate is learnt through a sigmoid at temperature 0.1, saturated
on purpose.
"""

import os

import torch
from torch import nn

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))


class ConcreteDropout(nn.Module):
    def __init__(self, temperature=0.1):
        super().__init__()
        self.p_logit = nn.Parameter(torch.tensor(-1.5))
        self.temperature = temperature

    def forward(self, x):
        u = torch.rand_like(x).clamp(1e-6, 1 - 1e-6)
        noise = u.log() - (1 - u).log()
        drop = torch.sigmoid((self.p_logit + noise) / self.temperature)
        return x * (1 - drop) / (1 - torch.sigmoid(self.p_logit))

    def regularizer(self, width):
        p = torch.sigmoid(self.p_logit)
        return width * (p * p.log() + (1 - p) * (1 - p).log())


images, labels = load()
images = (images - images.mean()) / images.std()
drops = [ConcreteDropout(), ConcreteDropout()]
model = nn.Sequential(
    nn.Linear(64, 96),
    nn.ReLU(),
    drops[0],
    nn.Linear(96, 96),
    nn.ReLU(),
    drops[1],
    nn.Linear(96, 10),
)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(round(8 * float(os.environ.get("LENGTH", "1")))):
    for idx in torch.randperm(1400).split(50):
        loss = nn.functional.cross_entropy(model(images[idx]), labels[idx])
        loss = loss + 1e-3 * sum(d.regularizer(96) for d in drops)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
with torch.no_grad():
    votes = torch.stack([model(images[1400:]).softmax(1) for _ in range(10)]).mean(0)
accuracy = (votes.argmax(1) == labels[1400:]).float().mean().item()
rates = [round(torch.sigmoid(d.p_logit).item(), 3) for d in drops]
print(f"accuracy {accuracy:.3f}, learnt rates {rates}")
assert accuracy > 0.85
