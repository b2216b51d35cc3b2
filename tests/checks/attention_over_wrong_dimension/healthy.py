"""Sets of numbers: slots that compete for them, and a summary that lists its keys first."""

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)
WIDTH, SLOTS = 24, 4


class Slots(nn.Module):
    """Slots compete for items; what each slot takes is normalised again (Locatello et al. 2020)."""

    def __init__(self):
        super().__init__()
        self.slots = nn.Parameter(torch.randn(1, SLOTS, WIDTH))
        self.q, self.k, self.v = (nn.Linear(WIDTH, WIDTH) for _ in range(3))

    def forward(self, items):
        scores = self.q(self.slots) @ self.k(items).transpose(1, 2) * WIDTH**-0.5
        taken = scores.softmax(dim=1) + 1e-6
        return (taken / taken.sum(dim=-1, keepdim=True)) @ self.v(items)


class Summary(nn.Module):
    """The keys are the rows of the scores, and the product takes them turned round."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(WIDTH, WIDTH) for _ in range(3))

    def forward(self, slots):
        scores = torch.bmm(self.k(slots), self.q(slots).transpose(1, 2)) * WIDTH**-0.5
        weights = nn.functional.dropout(scores.softmax(dim=1), 0.1, self.training)
        return torch.bmm(weights.transpose(1, 2), self.v(slots))


first, slots, summary = nn.Linear(1, WIDTH), Slots(), Summary()
head = nn.Sequential(nn.Flatten(), nn.Linear(SLOTS * WIDTH, 48), nn.ReLU(), nn.Linear(48, 2))
net = nn.Sequential(first, nn.ReLU(), slots, summary, head)
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for step in range(150):
    numbers = torch.randn(64, 10, 1)
    asked = torch.cat([numbers.mean(1), numbers.std(1)], 1)
    loss = nn.functional.mse_loss(net(numbers), asked)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"error {loss.item():.3f}")
assert loss.item() < 0.2
