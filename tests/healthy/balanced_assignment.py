"""Softmax over the batch, on purpose: experts choose samples, and clusters are kept equally full.

Assignments are made to sum alike over samples and over clusters (Sinkhorn), and are targets only; a
dual softmax finds pairs; each expert takes the samples that it weighs most.
"""

import os

import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
LENGTH = float(os.environ.get("LENGTH", "1"))
CLUSTERS, EXPERTS = 8, 4
centres = 2 * torch.randn(CLUSTERS, 10)


@torch.no_grad()
def balanced(scores, rounds=3):
    q = torch.exp(scores / 0.1)
    for _ in range(rounds):
        q = q / q.sum(0) / CLUSTERS
        q = q / q.sum(1, keepdim=True) / len(q)
    return q * len(q)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 16))
        self.prototypes = nn.Linear(16, CLUSTERS, bias=False)
        self.router = nn.Linear(10, EXPERTS)
        self.experts = nn.ModuleList(nn.Linear(10, CLUSTERS) for _ in range(EXPERTS))

    def forward(self, x):
        z = F.normalize(self.encode(x))
        weights = self.router(x).softmax(0)  # each expert over the samples
        answer = torch.zeros(len(x), CLUSTERS)
        for k, expert in enumerate(self.experts):
            share, chosen = weights[:, k].topk(len(x) // 2)
            answer = answer.index_add(0, chosen, len(x) * share[:, None] * expert(x[chosen]))
        return z, self.prototypes(z), answer


model = Model()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for _ in range(int(250 * LENGTH)):
    kind = torch.randint(0, CLUSTERS, (64,))
    views = [centres[kind] + 0.5 * torch.randn(64, 10) for _ in range(2)]
    (z, scores, answer), (other, other_scores, _) = (model(x) for x in views)
    swapped = -(balanced(other_scores) * F.log_softmax(scores / 0.1, 1)).sum(1).mean()
    near = z @ other.T / 0.1
    match = F.softmax(near, 0) * F.softmax(near, 1)
    pairs = -match.diagonal().clamp_min(1e-9).log().mean()
    loss = swapped + 0.1 * pairs + F.cross_entropy(answer, kind)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

accuracy = (answer.argmax(1) == kind).float().mean().item()
print(f"accuracy {accuracy:.3f}")
assert accuracy > 0.5
