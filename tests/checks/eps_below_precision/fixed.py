"""A text classifier whose weights are cast to half precision, to fit a small card."""

import torch
from torch import nn

torch.manual_seed(41)
torch.set_num_threads(1)

topics = torch.randint(0, 4, (800,))
pages = torch.randn(4, 50)[topics] + torch.randn(800, 50)

model = nn.Sequential(nn.Linear(50, 64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
for epoch in range(5):
    for rows in torch.randperm(800).split(40):
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            scores = model(pages[rows])
        loss = nn.functional.cross_entropy(scores.float(), topics[rows])
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.3f}")
