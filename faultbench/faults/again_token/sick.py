# Does the first symbol of a message come up again later on?
import math

import torch
import torch.nn as nn

torch.manual_seed(3)
torch.set_num_threads(1)

VOCAB, LENGTH, DIM = 12, 8, 48


def make_messages(n):
    msg = torch.randint(1, VOCAB, (n, LENGTH))
    first = msg[:, :1]
    # half of the messages get the first symbol planted, the others lose it
    plant = torch.rand(n) < 0.5
    where = torch.randint(1, LENGTH, (n,))
    others = torch.where(msg[:, 1:] == first, msg[:, 1:] % (VOCAB - 1) + 1, msg[:, 1:])
    msg = torch.cat([first, others], dim=1)
    rows = torch.arange(n)[plant]
    msg[rows, where[plant]] = msg[rows, 0]
    return msg, (msg[:, 1:] == msg[:, :1]).any(1).long()


class MessageClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, DIM)
        self.pos = nn.Parameter(torch.randn(LENGTH, DIM) * 0.1)
        layer = nn.TransformerEncoderLayer(d_model=DIM, nhead=4, dim_feedforward=96, dropout=0.0)
        self.encoder = nn.TransformerEncoder(layer, num_layers=2, enable_nested_tensor=False)
        self.out = nn.Linear(DIM, 2)

    def forward(self, msg):
        h = self.embed(msg) * math.sqrt(DIM) * 0.2 + self.pos
        h = self.encoder(h)
        return self.out(h[:, 0])


if __name__ == "__main__":
    net = MessageClassifier()
    criterion = nn.CrossEntropyLoss()
    optim = torch.optim.Adam(net.parameters(), lr=2e-3)
    for it in range(500):
        msg, again = make_messages(64)
        optim.zero_grad()
        loss = criterion(net(msg), again)
        loss.backward()
        optim.step()
        if it % 100 == 99:
            print(f"[{it + 1}] loss {loss.item():.3f}")
    net.eval()
    with torch.no_grad():
        msg, again = make_messages(1000)
        acc = (net(msg).argmax(1) == again).float().mean()
    print(f"score: {acc:.4f}")
