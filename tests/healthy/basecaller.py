"""Bases from the current of a nanopore: CTC with repeats, the span of the strand, and its quality.

Functional in style: one dict of tensors is the state, and a second one its average.
"""

import os

import torch
from torch import nn
from torch.func import functional_call

rng = torch.Generator().manual_seed(int(os.environ.get("SEED", 0)))
torch.manual_seed(int(os.environ.get("SEED", 0)))
torch.set_num_threads(1)
STEPS = max(int(220 * float(os.environ.get("LENGTH", 1))), 60)

LEVELS = torch.tensor([-1.5, -0.5, 0.5, 1.5])
TIME, BASES, DWELL = 36, 6, 4


def read(count):
    """Currents [count, TIME, 1], bases, ends of the strand and its noise."""
    bases = torch.randint(0, 4, (count, BASES), generator=rng)
    start = torch.randint(0, TIME - BASES * DWELL + 1, (count, 1), generator=rng)
    position = (torch.arange(TIME) - start).div(DWELL, rounding_mode="floor")
    inside = (position >= 0) & (position < BASES)
    current = LEVELS[bases.gather(1, position.clamp(0, BASES - 1))]
    edge = ((torch.arange(TIME) - start) % DWELL == 0).float()
    noise = 0.05 + 0.3 * torch.rand(count, 1, generator=rng)
    signal = torch.where(inside, current + edge, torch.tensor(-3.0))
    signal = signal + noise * torch.randn(count, TIME, generator=rng)
    ends = torch.cat([start, start + BASES * DWELL], 1) / TIME
    return signal.unsqueeze(1), bases + 1, ends, noise.squeeze(1)


class Caller(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv1d(1, 32, 7, padding=3), nn.BatchNorm1d(32), nn.Hardswish()
        )
        self.mix = nn.Sequential(
            nn.Conv1d(32, 32, 7, padding=3), nn.BatchNorm1d(32), nn.Hardswish()
        )
        self.base, self.ends, self.quality = (
            nn.Conv1d(32, 5, 1),
            nn.Linear(32 * TIME, 2),
            nn.Linear(64, 1),
        )

    def forward(self, x):
        h = self.stem(x)
        h = h + self.mix(h)
        moments = torch.cat([h.mean(2), h.std(2)], 1)
        return (
            self.base(h).permute(2, 0, 1).log_softmax(2),
            self.ends(h.flatten(1)),
            self.quality(moments)[:, 0],
        )


def loss_of(outputs, bases, ends, noise):
    log_probs, guess, quality = outputs
    n = bases.shape[0]
    spelling = nn.functional.ctc_loss(log_probs, bases, (TIME,) * n, (BASES,) * n)
    shared = torch.minimum(guess[:, 1], ends[:, 1]) - torch.maximum(guess[:, 0], ends[:, 0])
    hull = torch.maximum(guess[:, 1], ends[:, 1]) - torch.minimum(guess[:, 0], ends[:, 0])
    cleaner = (noise[: n // 2] < noise[n // 2 :]).float() * 2 - 1
    better = nn.functional.margin_ranking_loss(
        quality[: n // 2], quality[n // 2 :], cleaner, margin=0.3
    )
    return spelling + (1 - shared / hull.clamp(min=0.05)).mean() + better


net = Caller()
slow_net = Caller().requires_grad_(False)
slow_net.load_state_dict(net.state_dict())
slow = dict(slow_net.state_dict())
optimizer = torch.optim.NAdam(net.parameters(), lr=4e-3)
cut = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="min", patience=3, threshold=0.02)
held = read(96)
values = []
for step in range(1, STEPS + 1):
    signal, *labels = read(32)
    loss = loss_of(functional_call(net, dict(net.named_parameters()), (signal,)), *labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        for name, value in net.state_dict().items():
            slow[name].lerp_(value, 0.08) if value.is_floating_point() else slow[name].copy_(value)
    if step % 20 == 0:
        slow_net.eval()
        with torch.no_grad():
            parts = zip(*(t.split(48) for t in held))
            value = sum(loss_of(slow_net(x), *rest) for x, *rest in parts) / 2
        values.append(value.item())
        cut.step(value)
print(" ".join(f"{v:.2f}" for v in values))
assert values[-1] < 0.6 * values[0]
