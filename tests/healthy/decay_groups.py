"""AdamW as language models are trained: strong decay on matrices, none on gains and biases, betas
with a short memory of size, eps as in the first version of BERT.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))

WIDTH, TOKENS, SYMBOLS = 32, 12, 8


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.symbols = nn.Embedding(SYMBOLS, WIDTH)
        self.places = nn.Embedding(TOKENS, WIDTH)
        self.block = nn.TransformerEncoderLayer(
            WIDTH, 4, 64, dropout=0.0, batch_first=True, norm_first=True
        )
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, tokens):
        hidden = self.symbols(tokens) + self.places(torch.arange(TOKENS))
        mask = nn.Transformer.generate_square_subsequent_mask(TOKENS)
        return self.norm(self.block(hidden, mask, is_causal=True)) @ self.symbols.weight.T


model = Model()
decayed = [p for p in model.parameters() if p.ndim > 1]
others = [p for p in model.parameters() if p.ndim == 1]
optimizer = torch.optim.AdamW(
    [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}],
    lr=5e-3, betas=(0.9, 0.95), eps=1e-6,
)  # fmt: skip
steps = round(200 * float(os.environ.get("LENGTH", "1")))
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, steps, pct_start=0.1)
for _ in range(steps):
    first = torch.randint(0, SYMBOLS, (32, 1))
    tokens = (first + 3 * torch.arange(TOKENS + 1)) % SYMBOLS  # each is the one before plus 3
    loss = F.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    schedule.step()
print(f"loss {loss.item():.4f}")
assert loss.item() < 0.5
