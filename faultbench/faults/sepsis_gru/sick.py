"""Early warning from vital signs: stays of any length, padded at the end."""
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

torch.manual_seed(70)
torch.set_num_threads(1)


def stay(g):
    hours = int(torch.randint(6, 60, (1,), generator=g))
    signs = torch.randn(hours, 5, generator=g)
    ill = bool(torch.rand(1, generator=g) < 0.5)
    if ill:
        signs[-4:, :2] += 1.1
    return signs, float(ill)


def collate(batch):
    signs, ill = zip(*batch)
    return pad_sequence(signs, batch_first=True), torch.tensor([len(s) for s in signs]), torch.tensor(ill)


class Warning_(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.gru = nn.GRU(5, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, 1)

    def forward(self, signs, lengths):
        out, _ = self.gru(signs)
        last = out[:, -1]
        return self.fc(last).squeeze(1)


g = torch.Generator().manual_seed(71)
train = DataLoader([stay(g) for _ in range(1200)], batch_size=40, shuffle=True, collate_fn=collate)
val = DataLoader([stay(g) for _ in range(500)], batch_size=100, collate_fn=collate)
model = Warning_()
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)


def val_accuracy():
    model.eval()
    hits = 0
    with torch.no_grad():
        for signs, lengths, ill in val:
            hits += ((model(signs, lengths) > 0).float() == ill).sum().item()
    return hits / 500


for epoch in range(4):
    model.train()
    for signs, lengths, ill in train:
        optimizer.zero_grad()
        loss = criterion(model(signs, lengths), ill)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.3f} val {val_accuracy():.3f}")
print("score:", val_accuracy())
