"""A word that is longer than the sound it belongs to."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
model = nn.Linear(4, 5)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for step in range(6):
    x = torch.randn(6, 3, 4)
    words = torch.randint(1, 5, (3, 3 if step != 2 else 9))
    lengths = (3, 2, 3) if step != 2 else (3, 9, 2)
    logp = model(x).log_softmax(-1)
    loss = F.ctc_loss(logp, words, (6, 6, 6), lengths)  # expect: ctc_loss | alignment
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
