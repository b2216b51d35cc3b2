"""Which of three tones sounds when: a convolution over time, one answer for each moment."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(2)
torch.set_num_threads(1)

TONES, MOMENTS = 3, 24


def melody(count):
    which = torch.randint(0, TONES, (count, MOMENTS // 6)).repeat_interleave(6, dim=1)
    time = torch.arange(MOMENTS)
    wave = torch.sin(time * torch.tensor([0.5, 1.1, 2.0])[which])
    return (wave + 0.1 * torch.randn(count, MOMENTS)).unsqueeze(1), which


class Ear(nn.Module):
    def __init__(self):
        super().__init__()
        self.hear = nn.Conv1d(1, 24, 7, padding=3)
        self.name = nn.Conv1d(24, TONES, 5, padding=2)

    def forward(self, x):
        return self.name(F.relu(self.hear(x)))


ear = Ear()
optimizer = torch.optim.Adam(ear.parameters(), lr=3e-3)
for step in range(100):
    x, tone = melody(32)
    logits = ear(x)
    flat = logits.permute(0, 2, 1).reshape(-1, TONES)
    loss = F.cross_entropy(flat, tone.reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 25 == 0:
        print(f"{step:3d} {loss.item():.3f}")

assert loss.item() < 0.6, "this script is right, and learns"
