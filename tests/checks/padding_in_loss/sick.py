"""Names of medicines, letter by letter: a tagger for the stressed syllable, after a tutorial."""

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

torch.manual_seed(31)
torch.set_num_threads(1)

LETTERS, TAGS = 27, 5


def word():
    letters = torch.randint(1, LETTERS, (int(torch.randint(3, 13, (1,))),))
    return letters, 1 + (letters + letters.roll(1)) % (TAGS - 1)


def collate(words):
    letters, tags = zip(*words)
    return pad_sequence(letters, batch_first=True), pad_sequence(tags, batch_first=True)


words = [word() for _ in range(1200)]
loader = DataLoader(words, batch_size=20, shuffle=True, collate_fn=collate)


class Tagger(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.embedding = nn.Embedding(LETTERS, width, padding_idx=0)
        self.gru = nn.GRU(width, width, batch_first=True, bidirectional=True)
        self.output = nn.Linear(2 * width, TAGS)

    def forward(self, letters):
        hidden, _ = self.gru(self.embedding(letters))
        return self.output(hidden)


tagger = Tagger()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(tagger.parameters(), lr=5e-3)
for epoch in range(3):
    for letters, tags in loader:
        scores = tagger(letters)
        loss = criterion(scores.view(-1, TAGS), tags.view(-1))  # expect: padding-in-loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.3f}")
