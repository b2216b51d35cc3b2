"""Names on street signs in float16: CTC, the sign's box, the kind of sign in a shared space.

The scaler unscales before the norm is clipped; the average is built late, when steps are small.
"""

import os

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_avg_fn

torch.manual_seed(int(os.environ.get("SEED", "0")))
torch.set_num_threads(1)
EPOCHS = max(int(8 * float(os.environ.get("LENGTH", "1"))), 5)
ALPHABET, HIGH, WIDE = 4, 4, 16
shapes = torch.randn(ALPHABET, 2, 2)
background = torch.tensor([-1.0, 0.0, 1.0])


def streets(n):
    kind = torch.randint(0, 3, (n,))
    name = torch.randint(0, ALPHABET, (n, 3))
    x, y = torch.randint(0, WIDE - 9, (n,)), torch.randint(0, HIGH - 1, (n,))
    view = 0.1 * torch.randn(n, HIGH, WIDE)
    for i in range(n):
        top, left = int(y[i]), int(x[i])
        view[i, top : top + 2, left : left + 9] += background[kind[i]]
        for k in range(3):
            view[i, top : top + 2, left + 3 * k : left + 3 * k + 2] += 2 * shapes[name[i, k]]
    scale = torch.tensor([WIDE, HIGH, WIDE, HIGH])
    return view, name + 1, torch.stack([x, y, x + 9, y + 2], 1) / scale, kind


class SignNet(nn.Module):
    """Columns with their neighbours, as a matrix product."""

    def __init__(self, width=48):
        super().__init__()
        self.columns = nn.Sequential(nn.Linear(3 * HIGH, width), nn.LayerNorm(width), nn.ReLU())
        self.whole = nn.Sequential(nn.Linear(HIGH * WIDE, 64), nn.BatchNorm1d(64), nn.ReLU())
        self.name, self.box, self.kind = nn.Linear(width, 5), nn.Linear(64, 4), nn.Linear(64, 6)

    def forward(self, view):
        around = F.pad(view.mT, (0, 0, 1, 1)).unfold(1, 3, 1).flatten(2)
        whole = self.whole(view.flatten(1))
        return self.name(self.columns(around)), self.box(whole), self.kind(whole)


def iou_loss(mine, theirs):
    left_top = torch.max(mine[:, :2], theirs[:, :2])
    right_bottom = torch.min(mine[:, 2:], theirs[:, 2:])
    inner = (right_bottom - left_top).clamp(min=0).prod(1)
    area = ((mine[:, 2:] - mine[:, :2]).clamp(min=0)).prod(1)
    return 1 - (inner / (area + (theirs[:, 2:] - theirs[:, :2]).prod(1) - inner)).mean()


def total(out, name, box, kind):
    letters, corners, place = (o.float() for o in out)
    n = len(name)
    ctc = F.ctc_loss(letters.log_softmax(2).transpose(0, 1), name, [WIDE] * n, [3] * n)
    same = (kind[:, None] == kind).fill_diagonal_(False)
    i, j = (same | (torch.rand(n, n) < 0.1)).nonzero(as_tuple=True)
    pairs = F.cosine_embedding_loss(place[i], place[j], (kind[i] == kind[j]).long() * 2 - 1)
    return ctc + iou_loss(corners, box) + F.smooth_l1_loss(corners, box) + pairs


train, held = streets(512), streets(128)
net = SignNet()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, mode="min", factor=0.5, patience=1)
scaler = torch.amp.GradScaler("cpu", init_scale=256.0, growth_interval=50)
ema, curve = None, []
for epoch in range(EPOCHS):
    net.train()
    for rows in torch.randperm(512).split(32):
        view, *labels = (t[rows] for t in train)
        with torch.autocast(device_type="cpu", dtype=torch.float16):
            out = net(view)
        loss = total(out, *labels)
        opt.zero_grad(set_to_none=True)
        scaler.scale(loss).backward()
        scaler.unscale_(opt)
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        scaler.step(opt)
        scaler.update()
        if ema is None:
            ema = AveragedModel(net, avg_fn=get_ema_avg_fn(0.93), use_buffers=True)
        ema.update_parameters(net)
    ema.eval()
    with torch.no_grad():
        values = [total(ema(v), *rest) for v, *rest in zip(*(t.split(64) for t in held))]
    curve.append(torch.stack(values).mean().item())
    plateau.step(curve[-1])
print(" ".join(f"{v:.3f}" for v in curve))
assert curve[-1] < 0.7 * curve[0]
