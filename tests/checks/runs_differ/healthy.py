"""Words sorted by their last letter; an order of its own generator, dropout, and a dated log."""

# run twice
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(3)
torch.set_num_threads(1)
letters = "abcdefghijklmnopqrstuvwxyz"
words = sorted(
    {letters[i % 26] + letters[(i * 7) % 26] + letters[(i * 5) % 26] for i in range(400)}
)
x = torch.tensor([[letters.index(c) for c in word] for word in words])
y = (x[:, 2] >= 13).long()


class Reader(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(26, 8)
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(24, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.drop(self.embed(x).flatten(1)))


reader = Reader()
optimizer = torch.optim.AdamW(reader.parameters(), lr=2e-2)
order = torch.Generator().manual_seed(5)
loader = DataLoader(TensorDataset(x, y), batch_size=20, shuffle=True, generator=order)
for epoch in range(12):
    for batch, target in loader:
        loss = nn.functional.cross_entropy(reader(batch), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"{time.time():.3f} epoch {epoch}: {loss.item():.4f}")
