"""Sorts customer calls by topic: label attention over tokens of any length."""
from __future__ import annotations

import torch
import torch.nn as nn
import torch.nn.functional as F

PAD, VOCAB, TOPICS = 0, 80, 5


class LabelAttention(nn.Module):
    """One query for each topic looks for its words."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.queries = nn.Parameter(torch.randn(TOPICS, dim) * 0.2)
        self.key, self.value = nn.Linear(dim, dim), nn.Linear(dim, dim)

    def forward(self, x: torch.Tensor, pad: torch.Tensor) -> torch.Tensor:
        q = self.queries.expand(x.size(0), -1, -1)
        mask = ~pad[:, None, :].expand(-1, TOPICS, -1)
        return F.scaled_dot_product_attention(q, self.key(x), self.value(x), attn_mask=mask)


class CallSorter(nn.Module):
    def __init__(self, dim: int = 32) -> None:
        super().__init__()
        self.embed = nn.Embedding(VOCAB, dim)
        self.attend = LabelAttention(dim)
        self.norm = nn.LayerNorm(dim)
        self.score = nn.Linear(dim, 1)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        pad = tokens == PAD
        return self.score(self.norm(self.attend(self.embed(tokens), pad))).squeeze(-1)


def calls(n: int, words: torch.Tensor, g: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    topic = torch.randint(0, TOPICS, (n,), generator=g)
    length = torch.randint(5, 16, (n, 1), generator=g)
    tokens = torch.randint(1, VOCAB, (n, 18), generator=g)
    own = words[topic[:, None], torch.randint(0, words.size(1), (n, 18), generator=g)]
    tokens = torch.where(torch.rand(n, 18, generator=g) < 0.3, own, tokens)
    return tokens.masked_fill(torch.arange(18) >= length, PAD), topic


def run(steps: int = 400) -> float:
    torch.manual_seed(40)
    torch.set_num_threads(1)
    g = torch.Generator().manual_seed(41)
    words = (torch.randperm(VOCAB - 1, generator=g) + 1)[: TOPICS * 6].view(TOPICS, 6)
    model = CallSorter()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for step in range(1, steps + 1):
        tokens, topic = calls(64, words, g)
        loss = F.cross_entropy(model(tokens), topic)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            print(f"step {step}: {loss.item():.3f}")
    model.eval()
    with torch.inference_mode():
        tokens, topic = calls(1000, words, g)
        return (model(tokens).argmax(1) == topic).float().mean().item()


print("score:", run())
