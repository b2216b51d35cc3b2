"""Truncated back-propagation through time: hidden state carried over and detached, gradients
clipped hard.
"""

import os

import torch
import torch.nn as nn

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))

# a noisy Markov text of 12 symbols, each followed by one of three
symbols = 12
rows = torch.rand(symbols, symbols).topk(3).indices
corpus = [0]
for _ in range(6000):
    corpus.append(rows[corpus[-1], torch.multinomial(torch.tensor([0.7, 0.2, 0.1]), 1)].item())
batch_size, bptt = 16, 20
data = (
    torch.tensor(corpus[: len(corpus) // batch_size * batch_size])
    .view(batch_size, -1)
    .t()
    .contiguous()
)


def repackage_hidden(h):
    """Wraps hidden states in new tensors, to detach them from their history."""
    if isinstance(h, torch.Tensor):
        return h.detach()
    return tuple(repackage_hidden(v) for v in h)


class RNNModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.1)
        self.encoder = nn.Embedding(symbols, 24)
        self.rnn = nn.LSTM(24, 48)
        self.decoder = nn.Linear(48, symbols)

    def forward(self, input, hidden):
        output, hidden = self.rnn(self.drop(self.encoder(input)), hidden)
        return self.decoder(self.drop(output)).view(-1, symbols), hidden


model = RNNModel()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=2.0)
for epoch in range(round(8 * float(os.environ.get("LENGTH", "1")))):
    model.train()
    hidden = (torch.zeros(1, batch_size, 48), torch.zeros(1, batch_size, 48))
    total, n = 0.0, 0
    for i in range(0, data.size(0) - 1, bptt):
        seq_len = min(bptt, len(data) - 1 - i)
        inputs, targets = data[i : i + seq_len], data[i + 1 : i + 1 + seq_len].view(-1)
        model.zero_grad()
        hidden = repackage_hidden(hidden)
        output, hidden = model(inputs, hidden)
        loss = criterion(output, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.25)
        optimizer.step()
        total, n = total + loss.item(), n + 1
    print(f"epoch {epoch} loss {total / n:.3f}")
assert total / n < 1.6
