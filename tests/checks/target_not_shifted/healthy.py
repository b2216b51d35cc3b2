"""An autoencoder of words: the target is the input, and all of it goes through a narrow code."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(43)
torch.set_num_threads(1)

LETTERS, LENGTH, CODE = 12, 8, 6
stems = torch.randint(0, LETTERS, (40, LENGTH))


class Autoencoder(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.embed = nn.Embedding(LETTERS, width)
        self.encoder = nn.GRU(width, 64, batch_first=True)
        self.code = nn.Linear(64, CODE)
        self.decoder = nn.Sequential(
            nn.Linear(CODE, 64), nn.ReLU(), nn.Linear(64, LENGTH * LETTERS)
        )

    def forward(self, words):
        _, last = self.encoder(self.embed(words))
        return self.decoder(self.code(last[0])).view(-1, LENGTH, LETTERS)


model = Autoencoder()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for step in range(300):
    words = stems[torch.randint(0, 40, (24,))]
    loss = F.cross_entropy(model(words).transpose(1, 2), words)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

print(f"loss {loss.item():.3f}")
assert loss.item() < 1.0, "this script is right, and learns"
