"""Melodies: notes by CTC, the bars that a theme fills, and in which of two it is the clearer.

`update_bn` is not needed: the average keeps BatchNorm's own numbers by `load_state_dict`.
"""

import os

import torch
from torch import nn

torch.manual_seed(int(os.environ.get("SEED", "0")))
torch.set_num_threads(1)
N_STEPS = max(int(160 * float(os.environ.get("LENGTH", "1"))), 80)
EVERY = 20
NOTES = 6
T = 25

pitch = torch.arange(1, NOTES + 1)[:, None] * torch.linspace(0, 3.14, 8)
timbre = torch.sin(pitch)


def compose(n):
    notes = torch.randint(1, NOTES + 1, (n, 5))
    begin = torch.randint(0, T - 15, (n,))
    volume = torch.rand(n) + 0.5
    music = 0.2 * torch.randn(n, T, 8)
    frames = torch.arange(T)
    for k in range(5):
        for held in range(2):
            at = begin + 3 * k + held
            music += (frames == at[:, None]).float()[..., None] * (
                volume[:, None, None] * timbre[notes[:, k] - 1][:, None]
            )
    return music, notes, begin / T, (begin + 15) / T, volume


class Transcriber(nn.Module):
    def __init__(self, hidden=36):
        super().__init__()
        self.inp = nn.Linear(8, hidden)
        self.norms = nn.ModuleList(nn.BatchNorm1d(hidden) for _ in range(2))
        self.conv = nn.Conv1d(hidden, hidden, 3, padding=1)
        self.note = nn.Linear(hidden, NOTES + 1)
        self.bounds = nn.Linear(hidden * T, 2)
        self.clear = nn.Linear(hidden, 1)

    def forward(self, music):
        h = torch.tanh(self.norms[0](self.inp(music).mT))
        h = h + torch.tanh(self.norms[1](self.conv(h)))
        start, length = self.bounds(h.flatten(1)).unbind(-1)
        start = start.sigmoid()
        return self.note(h.mT), start, start + nn.functional.softplus(length), self.clear(h.mean(2))


ctc = nn.CTCLoss(reduction="sum")
soft = nn.SoftMarginLoss()


def objective(out, batch):
    notes, start, stop, clear = out
    _, wanted, begin, end, volume = batch
    n = len(wanted)
    spelled = ctc(notes.log_softmax(-1).transpose(0, 1), wanted, [T] * n, [5] * n) / (5 * n)
    common = torch.relu(torch.minimum(stop, end) - torch.maximum(start, begin))
    tiou = common / (stop - start + end - begin - common)
    louder = torch.where(volume >= 1, 1.0, -1.0)
    return spelled - tiou.log1p().mean() + soft(clear.squeeze(1), louder)


net = Transcriber()
mean = Transcriber()
mean.load_state_dict(net.state_dict())
opt = torch.optim.RMSprop(net.parameters(), lr=2e-3, alpha=0.95)
sched = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, "min", 0.5, 1)
held = compose(128)
curve = []
for step in range(1, N_STEPS + 1):
    batch = compose(32)
    loss = objective(net(batch[0]), batch)
    opt.zero_grad()
    loss.backward()
    opt.step()
    now, then = net.state_dict(), mean.state_dict()
    keep = min(0.95, step / (step + 5))
    mixed = {
        key: keep * then[key] + (1 - keep) * now[key] if now[key].is_floating_point() else now[key]
        for key in now
    }
    mean.load_state_dict(mixed)
    if step % EVERY == 0:
        mean.eval()
        with torch.no_grad():
            values = [
                objective(mean(held[0][i : i + 64]), [t[i : i + 64] for t in held]) for i in (0, 64)
            ]
        curve.append(sum(values).item() / 2)
        sched.step(curve[-1])
print(" ".join(f"{v:.3f}" for v in curve))
assert curve[-1] < curve[0] - 1
