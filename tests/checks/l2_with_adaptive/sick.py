"""Grains from photographs of wheat: two kinds, described by nine numbers."""

import torch

torch.manual_seed(61)
torch.set_num_threads(1)

kind = torch.randint(0, 2, (700,))
grain = torch.randn(700, 9) + 0.9 * kind[:, None] * torch.tensor([1.0, -1, 1, 0, 0, 0, 0, 0, 0])
model = torch.nn.Sequential(torch.nn.Linear(9, 24), torch.nn.ELU(), torch.nn.Linear(24, 2))
opt = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=0.02)  # expect: l2-with-adaptive
for epoch in range(6):
    for rows in torch.randperm(700).split(35):
        opt.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(grain[rows]), kind[rows])
        loss.backward()
        opt.step()
    print(epoch, f"{loss.item():.3f}")
