import torch
import torch.nn.functional as F
from fingerprint import digits, seed, show
from torch import nn

seed()
X, Y = digits()
losses = []


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 12, num_layers=2, dropout=0.3, batch_first=True)
        self.out = nn.Linear(12, 2)

    def forward(self, x):
        return self.out(self.lstm(x)[0])


model = Tagger()
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-2)
for _ in range(50):
    x = torch.randn(8, 6, 4)
    y = (x.cumsum(1)[..., 0] > 0).long()
    loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_value_(model.parameters(), 0.5)
    optimizer.step()
    losses.append(loss.item())
show(losses, model)
