"""Next-symbol prediction with a GRU in half precision; gradients of a recurrent net are clipped."""

import torch
from torch import nn

torch.manual_seed(1)
torch.set_num_threads(1)
VOCABULARY, LENGTH, BATCH = 12, 16, 32


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCABULARY, 24)
        self.gru = nn.GRU(24, 48, batch_first=True)
        self.out = nn.Linear(48, VOCABULARY)

    def forward(self, tokens):
        states, _ = self.gru(self.embed(tokens))
        with torch.autocast("cpu", dtype=torch.float16):
            return self.out(states)


# each symbol is the sum of the two before it
text = torch.randint(0, VOCABULARY, (1024, LENGTH + 1))
for place in range(2, LENGTH + 1):
    text[:, place] = (text[:, place - 1] + text[:, place - 2]) % VOCABULARY

model = Model()
optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**14)
for step in range(160):
    rows = text[torch.randint(0, len(text), (BATCH,))]
    scores = model(rows[:, :-1]).float()
    loss = nn.functional.cross_entropy(scores.transpose(1, 2), rows[:, 1:])
    optimizer.zero_grad()
    scaler.scale(loss).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)  # expect: clipping-scaled-gradients
    scaler.step(optimizer)
    scaler.update()
    if step % 20 == 19:
        print(f"step {step + 1}: loss {loss.item():.3f}")
