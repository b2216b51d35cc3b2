"""Beats of an electrocardiogram: their kinds by CTC, the span of the four, and who is at risk.

A small module with the steps of a framework, and a loop that drives it.
"""

import os
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.swa_utils import AveragedModel

LENGTH = float(os.environ.get("LENGTH", "1"))
torch.manual_seed(int(os.environ.get("SEED", "0")))
torch.set_num_threads(1)

WAVES = torch.tensor([[0.1, 1.0, -0.3], [0.8, 0.9, 0.8], [-0.4, -1.0, 0.2]])


def strips(n, T=30):
    x = 0.08 * torch.randn(n, 1, T)
    kinds, spans = torch.zeros(n, 4, dtype=torch.long), torch.zeros(n, 2)
    for i in range(n):
        at = begin = int(torch.randint(0, 4, ()))
        for k in range(4):
            kind, gap = int(torch.randint(0, 3, ())), int(torch.randint(1, 4, ()))
            x[i, 0, at : at + 3] += WAVES[kind]
            kinds[i, k] = kind + 1
            at += 3 + gap
        spans[i] = torch.tensor([begin, at]) / T
    risk = (kinds == 3).sum(1)
    return x, kinds, spans, risk


class Monitor(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv1d(1, 24, 5, padding=2), nn.BatchNorm1d(24), nn.ELU(),
            nn.Conv1d(24, 24, 5, padding=2), nn.BatchNorm1d(24), nn.ELU(),
        )  # fmt: skip
        self.kinds = nn.Conv1d(24, 4, 1)
        self.span = nn.Sequential(nn.Flatten(), nn.LazyLinear(2))
        self.risk = nn.Linear(24, 1)

    def forward(self, x):
        h = self.encoder(x)
        return self.kinds(h), self.span(h), self.risk(h.mean(-1)).flatten()

    def shared_step(self, batch, net=None):
        x, kinds, spans, risk = batch
        logits, guess, score = (net or self)(x)
        T, n = logits.shape[2], len(x)
        ctc = F.ctc_loss(F.log_softmax(logits, 1).permute(2, 0, 1), kinds, [T] * n, [4] * n)
        top = torch.minimum(guess[:, 1], spans[:, 1])
        bottom = torch.maximum(guess[:, 0], spans[:, 0])
        hull = torch.maximum(guess[:, 1], spans[:, 1]) - torch.minimum(guess[:, 0], spans[:, 0])
        iou = F.relu(top - bottom) / hull.clamp(min=0.02)
        # pairs of equal risk say 0, and are few
        order = torch.sign((risk - risk.flip(0)).float())
        rank = F.margin_ranking_loss(score, score.flip(0), order, margin=0.1)
        return SimpleNamespace(loss=ctc + 1 - iou.mean() + rank, iou=iou.mean())

    def training_step(self, batch):
        return self.shared_step(batch).loss

    def configure_optimizers(self):
        optimizer = torch.optim.Adamax(self.parameters(), lr=8e-3)
        plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, mode="max", patience=1, cooldown=1, factor=0.5
        )
        return {"optimizer": optimizer, "lr_scheduler": plateau, "monitor": "iou"}


fit, val = strips(384), strips(64)
module = Monitor()
module(fit[0][:2])
settings = module.configure_optimizers()
optimizer, scheduler = settings["optimizer"], settings["lr_scheduler"]
ema = AveragedModel(module, avg_fn=lambda old, new, n: 0.9 * old + 0.1 * new, use_buffers=True)
seen = []
for epoch in range(max(int(7 * LENGTH), 4)):
    module.train()
    for rows in torch.randperm(384).split(24):
        loss = module.training_step([t[rows] for t in fit])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        ema.update_parameters(module)
    ema.eval()
    with torch.no_grad():
        outs = [module.shared_step([t[i : i + 32] for t in val], ema) for i in (0, 32)]
    seen.append(sum(out.loss.item() for out in outs) / 2)
    scheduler.step(sum(out.iou.item() for out in outs) / 2)
    print(f"epoch {epoch}: {seen[-1]:.3f}, iou {outs[0].iou:.2f}")
assert seen[-1] < 0.8 * seen[0]
