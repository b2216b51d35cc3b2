"""Attention in float16 with a mask of -inf: infinities that are meant, and numbers near the end."""

import torch
from torch import nn

torch.manual_seed(102)
torch.set_num_threads(1)

TOKENS, WIDTH = 8, 24
mask = torch.full((TOKENS, TOKENS), -torch.inf).triu(1)
embed = nn.Embedding(6, WIDTH)
project = nn.Linear(WIDTH, 3 * WIDTH)
out = nn.Linear(WIDTH, 6)
parameters = [*embed.parameters(), *project.parameters(), *out.parameters()]
optimizer = torch.optim.Adam(parameters, lr=5e-3)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
for step in range(150):
    tokens = torch.randint(0, 6, (32, TOKENS))
    wanted = tokens.cumsum(1) % 6
    wanted[:, 1:] = tokens[:, :-1]  # the token before
    with torch.autocast("cpu", dtype=torch.float16):
        query, key, value = project(embed(tokens)).chunk(3, -1)
        scores = query @ key.transpose(1, 2) / WIDTH**0.5 + mask.half()
        logits = out(scores.softmax(-1) @ value)
    loss = nn.functional.cross_entropy(logits.float().flatten(0, 1), wanted.flatten())
    optimizer.zero_grad()
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
print(f"loss {loss.item():.3f}")
assert loss.item() < 1.8
