"""Encoder-decoder that turns a word round; padded batches, teacher forcing."""
import random

import torch
import torch.nn as nn

random.seed(3)
torch.manual_seed(3)
torch.set_num_threads(1)
PAD, SOS, EOS, LETTERS = 0, 1, 2, 13
MAX_LEN = 24


def make_pairs(n):
    pairs = []
    for _ in range(n):
        # most words are short, a few are very long
        size = random.randint(2, 4) if random.random() < 0.97 else MAX_LEN
        word = [random.randint(3, LETTERS - 1) for _ in range(size)]
        pairs.append((word, word[::-1]))
    return pairs


def pad(rows):
    longest = MAX_LEN + 1
    return torch.tensor([row + [PAD] * (longest - len(row)) for row in rows])


class Encoder(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.embedding = nn.Embedding(LETTERS, hidden)
        self.gru = nn.GRU(hidden, hidden, batch_first=True)

    def forward(self, x, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(
            self.embedding(x), lengths, batch_first=True, enforce_sorted=False
        )
        return self.gru(packed)[1]


class Decoder(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.embedding = nn.Embedding(LETTERS, hidden)
        self.gru = nn.GRU(hidden, hidden, batch_first=True)
        self.out = nn.Linear(hidden, LETTERS)

    def forward(self, y, state):
        output, state = self.gru(self.embedding(y), state)
        return self.out(output), state


encoder, decoder = Encoder(48), Decoder(48)
criterion = nn.CrossEntropyLoss(ignore_index=PAD)
optimizer = torch.optim.SGD([*encoder.parameters(), *decoder.parameters()], lr=1.0)


def train(pairs, batch_size=32):
    total = 0.0
    random.shuffle(pairs)
    for start in range(0, len(pairs), batch_size):
        batch = pairs[start : start + batch_size]
        source = pad([word + [EOS] for word, _ in batch])
        given = pad([[SOS] + back for _, back in batch])
        wanted = pad([back + [EOS] for _, back in batch])
        optimizer.zero_grad()
        state = encoder(source, torch.tensor([len(word) + 1 for word, _ in batch]))
        logits, _ = decoder(given, state)
        loss = criterion(logits.transpose(1, 2), wanted)
        loss.backward()
        nn.utils.clip_grad_norm_([*encoder.parameters(), *decoder.parameters()], 1.0)
        optimizer.step()
        total += loss.item()
    return total / (len(pairs) / batch_size)


pairs = make_pairs(1600)
for epoch in range(4):
    print("epoch", epoch, "loss", round(train(pairs), 4))

encoder.eval(), decoder.eval()
right = letters = 0
with torch.no_grad():
    for word, back in make_pairs(200):
        state = encoder(torch.tensor([word + [EOS]]), torch.tensor([len(word) + 1]))
        logits, _ = decoder(torch.tensor([[SOS] + back]), state)
        right += (logits.argmax(-1)[0] == torch.tensor(back + [EOS])).sum().item()
        letters += len(back) + 1
print("score:", right / letters)
