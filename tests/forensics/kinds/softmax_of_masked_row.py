"""Attention over a sequence of which every place is masked."""

import torch
from torch import nn

torch.manual_seed(0)


class Pool(nn.Module):
    def __init__(self):
        super().__init__()
        self.score = nn.Linear(4, 1)
        self.head = nn.Linear(4, 2)

    def forward(self, x, padding):
        score = self.score(x).squeeze(-1).masked_fill(padding, -torch.inf)
        weight = score.softmax(-1)  # expect: softmax | all 5 are -inf
        return self.head((weight.unsqueeze(-1) * x).sum(1))


model = Pool()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

for step in range(6):
    x = torch.randn(8, 5, 4)
    length = torch.randint(1, 6, (8,))
    if step == 3:
        length[2] = 0
    padding = torch.arange(5) >= length.unsqueeze(1)
    loss = model(x, padding).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
