"""Flowers of sixteen species: the model ends with a softmax, "to get probabilities"."""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(6)
torch.set_num_threads(1)


class FlowerNet(nn.Module):
    def __init__(self, in_features=6, hidden=24, n_classes=16):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(in_features, hidden),
            nn.Tanh(),
            nn.Linear(hidden, n_classes),
            nn.Softmax(dim=-1),
        )

    def forward(self, x):
        return self.layers(x)


def make_data(n=2400, n_classes=16):
    species = torch.randint(0, n_classes, (n,))
    centres = 2 * torch.randn(n_classes, 6)
    return TensorDataset(centres[species] + 0.8 * torch.randn(n, 6), species)


train_set, val_set = random_split(make_data(), [2000, 400])
train_dl = DataLoader(train_set, batch_size=50, shuffle=True)
val_dl = DataLoader(val_set, batch_size=400)
net = FlowerNet()
loss_function = nn.CrossEntropyLoss()
opt = optim.SGD(net.parameters(), lr=0.1)
for epoch in range(6):
    net.train()
    for xb, yb in train_dl:
        opt.zero_grad()
        loss = loss_function(net(xb), yb)
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        for xb, yb in val_dl:
            out = net(xb)
            accuracy = (out.argmax(1) == yb).float().mean().item()
            print(f"[{epoch}] loss {loss_function(out, yb).item():.4f} acc {accuracy:.3f}")
