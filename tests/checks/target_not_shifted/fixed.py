"""A character model of made-up place names, with a trainer class of its own."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(41)
torch.set_num_threads(1)

ALPHABET, LENGTH = 20, 24
rules = torch.softmax(3 * torch.randn(ALPHABET, ALPHABET), 1)
text = [0]
for _ in range(20_000):
    text.append(int(torch.multinomial(rules[text[-1]], 1)))
text = torch.tensor(text)


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.mlp = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x):
        mask = torch.triu(torch.ones(x.shape[1], x.shape[1], dtype=torch.bool), 1)
        h = self.first(x)
        x = x + self.attention(h, h, h, attn_mask=mask, need_weights=False)[0]
        return x + self.mlp(self.second(x))


class CharacterModel(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.token, self.position = nn.Embedding(ALPHABET, width), nn.Embedding(LENGTH, width)
        self.block = Block(width, 4)
        self.head = nn.Linear(width, ALPHABET)

    def forward(self, tokens):
        x = self.token(tokens) + self.position(torch.arange(tokens.shape[1]))
        return self.head(self.block(x))


class Trainer:
    def __init__(self, model, rate=3e-3):
        self.model = model
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=rate)

    def batch(self, size=16):
        starts = torch.randint(0, len(text) - LENGTH, (size,))
        return torch.stack([text[s : s + LENGTH] for s in starts])

    def step(self):
        tokens = self.batch()
        logits = self.model(tokens)
        loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


trainer = Trainer(CharacterModel())
for step in range(120):
    loss = trainer.step()
print(f"loss {loss:.3f}")
