"""Moods of short messages: a transformer over words, filled up to the longest of each batch."""

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

torch.manual_seed(0)
torch.set_num_threads(1)
PAD, WORDS, LONGEST = 0, 40, 16


class Moods(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.words = nn.Embedding(WORDS, width)
        self.places = nn.Embedding(LONGEST, width)
        layer = nn.TransformerEncoderLayer(width, 4, 64, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(width, 2)

    def forward(self, messages):
        padding = messages == PAD
        hidden = self.words(messages) + self.places(torch.arange(messages.size(1)))
        hidden = self.encoder(hidden, src_key_padding_mask=padding)
        real = (~padding).unsqueeze(2)
        return self.head((hidden * real).sum(1) / real.sum(1))


def messages(count):
    texts, moods = [], []
    for _ in range(count):
        length = int(torch.randint(3, LONGEST + 1, ()))
        text = torch.randint(1, WORDS, (length,))
        texts.append(text)
        moods.append(int((text < 12).sum() * 3 > length))
    return pad_sequence(texts, batch_first=True, padding_value=PAD), torch.tensor(moods)


texts, moods = messages(1200)
model = Moods()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(5):
    for rows in torch.randperm(len(texts)).split(40):
        loss = criterion(model(texts[rows]), moods[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.3f}")
