"""Remembers the first symbol over a long sequence; written as a character-model tutorial."""

import torch
import torch.nn as nn

torch.manual_seed(2)
torch.set_num_threads(1)

hidden_size, n_symbols, seq_len, batch_size, learning_rate = 48, 6, 60, 24, 20.0


class CharLSTM(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden_size = hidden_size
        self.i2g = nn.Linear(n_symbols, 4 * hidden_size)
        self.h2g = nn.Linear(hidden_size, 4 * hidden_size, bias=False)
        self.h2o = nn.Linear(hidden_size, n_symbols)
        nn.init.normal_(self.h2g.weight, std=1.0)
        self.i2g.bias.data[hidden_size : 2 * hidden_size] = 2.0

    def forward(self, inputs):
        h = torch.zeros(inputs.size(0), self.hidden_size)
        c = torch.zeros_like(h)
        outputs = []
        for t in range(inputs.size(1)):
            i, f, g, o = (self.i2g(inputs[:, t]) + self.h2g(h)).chunk(4, dim=1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            outputs.append(self.h2o(h))
        return torch.stack(outputs, dim=1)


def random_batch():
    """Each symbol is the one before plus a key that the first symbol gives."""
    key = torch.randint(1, 3, (batch_size, 1))
    symbols = (torch.randint(0, n_symbols, (batch_size, 1)) + key * torch.arange(seq_len + 1)) % 6
    flips = torch.rand(batch_size, seq_len + 1) < 0.02
    symbols = torch.where(flips, torch.randint(0, n_symbols, flips.shape), symbols)
    return nn.functional.one_hot(symbols[:, :-1], n_symbols).float(), symbols[:, 1:]


rnn = CharLSTM()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(rnn.parameters(), lr=learning_rate)
running = 0.0
for iteration in range(200):
    inputs, targets = random_batch()
    loss = criterion(rnn(inputs).flatten(0, 1), targets.flatten())
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(rnn.parameters(), 0.5)
    optimizer.step()
    running += loss.item()
    if (iteration + 1) % 20 == 0:
        print(f"{iteration + 1:4d} {running / 20:.4f}")
        running = 0.0
