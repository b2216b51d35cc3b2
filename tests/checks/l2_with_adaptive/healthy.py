"""A graph convolution network with the L2 penalty of its paper: Kipf and Welling 2017, 5e-4."""

import torch
from torch import nn

torch.manual_seed(62)
torch.set_num_threads(1)

NODES = 300
community = torch.arange(NODES) % 3
likely = torch.where(community[:, None] == community, 0.08, 0.01)
edges = (torch.rand(NODES, NODES) < likely).float().triu(1)
adjacency = edges + edges.T + torch.eye(NODES)
degree = adjacency.sum(1)
propagate = adjacency / (degree[:, None] * degree).sqrt()
features = torch.randn(NODES, 16) + 0.5 * nn.functional.one_hot(community, 16)
known = torch.randperm(NODES)[:150]


class GCN(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(16, 16), nn.Linear(16, 3)

    def forward(self, x):
        return propagate @ self.second(torch.relu(propagate @ self.first(x)))


gcn = GCN()
optimizer = torch.optim.Adam(gcn.parameters(), lr=0.01, weight_decay=5e-4)
for _ in range(120):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(gcn(features)[known], community[known])
    loss.backward()
    optimizer.step()
print(f"loss {loss.item():.3f}")
assert loss.item() < 0.5
