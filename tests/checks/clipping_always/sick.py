"""An LSTM counts brackets that are still open; exploding gradients are feared."""

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_

torch.manual_seed(14)
torch.set_num_threads(1)


def brackets(count, length=14):
    steps = torch.where(torch.rand(count, length) < 0.6, 1.0, -1.0)
    return steps.unsqueeze(2), steps.cumsum(1)[:, -1:]


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.memory = nn.LSTM(1, 24, batch_first=True)
        self.answer = nn.Linear(24, 1)

    def forward(self, x):
        return self.answer(self.memory(x)[0][:, -1])


counter = Counter()
sgd = torch.optim.SGD(counter.parameters(), lr=0.02, momentum=0.9)
mse = nn.MSELoss()
for step in range(240):
    x, y = brackets(64)
    loss = mse(counter(x), y)
    sgd.zero_grad()
    loss.backward()
    clip_grad_norm_(counter.parameters(), 1e-3)  # expect: clipping-always
    sgd.step()
    if step % 60 == 59:
        print(f"{step + 1}: {loss.item():.3f}")
