"""Bar codes: digits by CTC, the strip's ends, and whether a code is damaged (a soft margin).

The average is taken once an epoch (Polyak), and of the buffers only the newest are kept.
"""

import os

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(int(os.environ.get("SEED", 0)))
torch.set_num_threads(1)
epochs = max(int(8 * float(os.environ.get("LENGTH", 1))), 5)

bars = torch.tensor([[1, 1, 0, 1, 0], [1, 0, 0, 1, 1], [0, 1, 1, 0, 1], [1, 0, 1, 1, 0]]).float()
T = 32


def scan(n):
    digits = torch.randint(0, 4, (n, 4))
    code = torch.cat([torch.ones(n, 2), bars[digits].flatten(1), torch.ones(n, 2)], 1)
    damaged = torch.rand(n) < 0.4
    begin = torch.randint(0, T - 24, (n,))
    line = torch.zeros(n, T)
    for i in range(n):
        line[i, begin[i] : begin[i] + 24] = 2 * code[i] - 1
    blur = torch.where(damaged, 0.4, 0.1)[:, None]
    line = line + blur * torch.randn(n, T)
    return line[:, None], digits + 1, torch.stack([begin, begin + 24], 1) / T, damaged


class Reader(nn.ModuleList):
    """A list of four nets that is called as one."""

    def __init__(self):
        conv = nn.Sequential(
            nn.Conv1d(1, 32, 7, padding=3), nn.BatchNorm1d(32), nn.Mish(),
            nn.Conv1d(32, 32, 5, padding=2), nn.BatchNorm1d(32), nn.Mish(),
        )  # fmt: skip
        super().__init__([conv, nn.Conv1d(32, 5, 1), nn.Linear(32 * T, 2), nn.Linear(64, 1)])

    def forward(self, line):
        h = self[0](line)
        moments = torch.cat([h.mean(2), h.var(2)], 1)
        return self[1](h), self[2](h.flatten(1)), self[3](moments).squeeze(1)


def losses(nets, line, digits, ends, damaged):
    logits, ends_found, score = nets(line)
    n = len(line)
    ctc = F.ctc_loss(logits.permute(2, 0, 1).log_softmax(2), digits, (T,) * n, (4,) * n)
    low, high = ends_found.T
    cut = torch.min(high, ends[:, 1]) - torch.max(low, ends[:, 0])
    join = torch.max(high, ends[:, 1]) - torch.min(low, ends[:, 0])
    broken = F.soft_margin_loss(score, 2.0 * damaged.float() - 1)
    return ctc + (1 - cut / join.clamp(min=0.1)).mean() + broken


train, held = scan(512), scan(128)
nets, polyak = Reader(), Reader()
polyak.load_state_dict(nets.state_dict())
optimizer = torch.optim.Adam(nets.parameters(), lr=5e-3)
reduce = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1)
log = []
for epoch in range(epochs):
    nets.train()
    for rows in torch.randperm(512).split(32):
        loss = losses(nets, *(t[rows] for t in train))
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        for slow, fast in zip(polyak.state_dict().values(), nets.state_dict().values()):
            slow.copy_(torch.lerp(slow, fast, 0.7) if slow.is_floating_point() else fast)
        polyak.eval()
        parts = list(zip(*(t.split(64) for t in held)))
        log.append(sum(losses(polyak, *part).item() for part in parts) / len(parts))
    reduce.step(log[-1])
print(" ".join(f"{v:.3f}" for v in log))
assert log[-1] < 0.7 * log[0]
