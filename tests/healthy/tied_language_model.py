"""A character language model whose output layer is its embedding, with weight decay in
two groups.
"""

import math
import os

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
STEPS = round(220 * float(os.environ.get("LENGTH", "1")))

text = """
the sea is calm to-night. the tide is full, the moon lies fair upon the straits; on the french
coast the light gleams and is gone; the cliffs of england stand, glimmering and vast, out in the
tranquil bay. come to the window, sweet is the night-air! only, from the long line of spray
where the sea meets the moon-blanched land, listen! you hear the grating roar of pebbles which
the waves draw back, and fling, at their return, up the high strand, begin, and cease, and then
again begin, with tremulous cadence slow, and bring the eternal note of sadness in.
""".replace("\n", " ")
chars = sorted(set(text))
data = torch.tensor([chars.index(c) for c in text])


class TinyLM(nn.Module):
    def __init__(self, vocab, dim=48):
        super().__init__()
        self.wte = nn.Embedding(vocab, dim)
        self.rnn = nn.GRU(dim, dim, batch_first=True)
        self.ln_f = nn.LayerNorm(dim)
        self.lm_head = nn.Linear(dim, vocab, bias=False)
        nn.init.normal_(self.wte.weight, std=0.02)
        self.lm_head.weight = self.wte.weight  # weight tying

    def forward(self, idx, targets):
        h, _ = self.rnn(self.wte(idx))
        logits = self.lm_head(self.ln_f(h))
        return F.cross_entropy(logits.view(-1, logits.size(-1)), targets.reshape(-1))


model = TinyLM(len(chars))
decay = [p for p in model.parameters() if p.dim() >= 2]
no_decay = [p for p in model.parameters() if p.dim() < 2]
optimizer = torch.optim.AdamW(
    [{"params": decay, "weight_decay": 0.1}, {"params": no_decay, "weight_decay": 0.0}],
    lr=5e-3, betas=(0.9, 0.95),
)  # fmt: skip
for step in range(STEPS):
    start = torch.randint(len(data) - 33, (24,))
    window = torch.stack([data[s : s + 33] for s in start])
    loss = model(window[:, :-1], window[:, 1:])
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step % 50 == 0:
        print(step, f"{loss.item() / math.log(2):.2f} bits")
print("final", loss.item())
assert loss.item() < 2.0
