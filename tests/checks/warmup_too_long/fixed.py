"""A character model in the style of a fine-tuning script, its schedule copied from a large one."""

from functools import partial

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

torch.manual_seed(7)
torch.set_num_threads(1)


def linear_with_warmup(step, *, num_warmup_steps, num_training_steps):
    if step < num_warmup_steps:
        return step / max(1, num_warmup_steps)
    return max(0.0, (num_training_steps - step) / max(1, num_training_steps - num_warmup_steps))


text = "the cat sat on the mat and the dog sat on the cat while the rat ran at the dog " * 12
letters = sorted(set(text))
ids = torch.tensor([letters.index(c) for c in text])
windows = ids.unfold(0, 9, 1)

model = nn.Sequential(
    nn.Embedding(len(letters), 12), nn.Flatten(), nn.Linear(96, 64), nn.GELU(),
    nn.Linear(64, len(letters)),
)  # fmt: skip
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
factor = partial(linear_with_warmup, num_warmup_steps=20, num_training_steps=240)
scheduler = LambdaLR(optimizer, factor)

for epoch in range(8):
    for rows in torch.randperm(len(windows)).split(32):
        logits = model(windows[rows, :8])
        loss = F.cross_entropy(logits, windows[rows, 8])
        loss.backward()
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
    print(f"epoch {epoch} loss {loss.item():.3f} rate {scheduler.get_last_lr()[0]:.2e}")
