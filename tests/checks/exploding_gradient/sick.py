"""Which of three rhythms is it? A vanilla RNN over 80 time steps, without clipping."""

import torch
from torch import nn

torch.manual_seed(13)
torch.set_num_threads(1)


class Rhythm(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.rnn = nn.RNN(1, hidden, nonlinearity="relu", batch_first=True)
        self.out = nn.Linear(hidden, 3)
        nn.init.eye_(self.rnn.weight_hh_l0)

    def forward(self, x):
        states, _ = self.rnn(x)
        return self.out(states[:, -1])


def batch(n, length=80):
    kind = torch.randint(0, 3, (n,))
    time = torch.arange(length).repeat(n, 1)
    level = torch.tensor([0.1, 0.4, 0.7])[kind].unsqueeze(1)
    wave = level + 0.5 * torch.sin(time / 4 + 6 * torch.rand(n, 1))
    return (wave + 0.1 * torch.randn(n, length)).unsqueeze(2), kind


model = Rhythm()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)  # expect: exploding-gradient
for step in range(160):
    x, target = batch(32)
    loss = nn.functional.cross_entropy(model(x), target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        print(step, loss.item())
