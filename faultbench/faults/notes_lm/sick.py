"""A character LSTM in the style of the word-language-model example: BPTT over long columns."""
import math

import torch
import torch.nn as nn

torch.manual_seed(1111)
torch.set_num_threads(1)

# a little grammar to write the corpus with
NOUNS, VERBS = ["cat", "dog", "bird", "fox"], ["sees", "hears", "likes"]
pick = torch.randint(0, 100, (1800, 3))
text = " ".join(f"the {NOUNS[a % 4]} {VERBS[b % 3]} the {NOUNS[(a + 1) % 4]}." for a, b, _ in pick.tolist())
alphabet = sorted(set(text))
corpus = torch.tensor([alphabet.index(c) for c in text])


def batchify(data, bsz):
    nbatch = data.size(0) // bsz
    return data.narrow(0, 0, nbatch * bsz).view(bsz, -1).t().contiguous()


class RNNModel(nn.Module):
    def __init__(self, ntoken, ninp=24, nhid=64):
        super().__init__()
        self.encoder = nn.Embedding(ntoken, ninp)
        self.rnn = nn.LSTM(ninp, nhid)
        self.decoder = nn.Linear(nhid, ntoken)

    def forward(self, tokens, hidden):
        output, hidden = self.rnn(self.encoder(tokens), hidden)
        return self.decoder(output), hidden


def repackage_hidden(h):
    return tuple(v.detach() for v in h)


bptt, lr, clip = 20, 20.0, 0.0025
train_data = batchify(corpus[: len(corpus) * 8 // 10], 20)
val_data = batchify(corpus[len(corpus) * 8 // 10 :], 10)
model = RNNModel(len(alphabet))
criterion = nn.CrossEntropyLoss()


def get_batch(source, i):
    seq_len = min(bptt, len(source) - 1 - i)
    return source[i : i + seq_len], source[i + 1 : i + 1 + seq_len].reshape(-1)


def evaluate(source):
    model.eval()
    hidden, total = None, 0.0
    with torch.no_grad():
        for i in range(0, source.size(0) - 1, bptt):
            data, targets = get_batch(source, i)
            output, hidden = model(data, hidden)
            total += len(data) * criterion(output.flatten(0, 1), targets).item()
    return total / (len(source) - 1)


optimizer = torch.optim.SGD(model.parameters(), lr=lr)
for epoch in range(3):
    model.train()
    hidden = None
    for i in range(0, train_data.size(0) - 1, bptt):
        data, targets = get_batch(train_data, i)
        if hidden is not None:
            hidden = repackage_hidden(hidden)
        optimizer.zero_grad()
        output, hidden = model(data, hidden)
        loss = criterion(output.flatten(0, 1), targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
    val_loss = evaluate(val_data)
    print(f"end of epoch {epoch} | valid loss {val_loss:5.2f} | valid ppl {math.exp(val_loss):8.2f}")
print("score:", 1 - val_loss / math.log(len(alphabet)))
