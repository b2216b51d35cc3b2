"""Self-distillation: a slow copy gives the targets, and half of the graph is cut on purpose."""

import copy

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(8)
torch.set_num_threads(1)

student = nn.Sequential(nn.Linear(20, 64), nn.GELU(), nn.Linear(64, 16))
predictor = nn.Linear(16, 16)
teacher = copy.deepcopy(student).requires_grad_(False)

optimizer = torch.optim.AdamW([*student.parameters(), *predictor.parameters()], lr=2e-3)
basis = torch.randn(5, 20)

for step in range(200):
    clean = torch.randn(64, 5) @ basis
    one, two = clean + 0.1 * torch.randn_like(clean), clean + 0.1 * torch.randn_like(clean)
    target = teacher(two)  # under gradients, but nothing in it is trainable
    loss = F.mse_loss(predictor(student(one)), target.detach())
    with torch.no_grad():
        drift = F.mse_loss(student(two), target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        for slow, fast in zip(teacher.parameters(), student.parameters()):
            slow.lerp_(fast, 0.02)

print("loss", round(loss.item(), 4), "drift", round(drift.item(), 4))
