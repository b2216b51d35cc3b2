"""Which of three machines made the sound? One hour of practice with functions."""

import torch
from torch import nn

torch.manual_seed(4)
torch.set_num_threads(1)

tones = torch.randn(3, 24)
machine = torch.randint(0, 3, (1200,))
sound = tones[machine] + 0.8 * torch.randn(1200, 24)


def run_epoch(net, opt, loss_fn):
    total = 0.0
    for rows in torch.randperm(1200).split(40):
        opt.zero_grad()
        loss = loss_fn(net(sound[rows]), machine[rows])
        loss.backward()  # expect: step-missing
        total += loss.item()
    return total / 30


classifier = nn.Sequential(nn.Linear(24, 32), nn.GELU(), nn.Linear(32, 3))
adam = torch.optim.Adam(classifier.parameters(), lr=1e-3)
for epoch in range(4):
    print(f"epoch {epoch}: {run_epoch(classifier, adam, nn.CrossEntropyLoss()):.3f}")
