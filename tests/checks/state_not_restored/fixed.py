"""A training in two sessions of a cluster: the second goes on with what the first has left."""

import tempfile
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(3)
torch.set_num_threads(1)

x = torch.randn(1000, 14)
y = ((x[:, ::2] * x[:, 1::2]).sum(1) > 0).long()
loader = DataLoader(TensorDataset(x, y), batch_size=40, shuffle=True)


def session(folder, epochs):
    model = nn.Sequential(
        nn.Linear(14, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    begin, file = 0, folder / "last.pt"
    if file.exists():
        checkpoint = torch.load(file, weights_only=True)
        model.load_state_dict(checkpoint["model"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        begin = checkpoint["epoch"] + 1
    for epoch in range(begin, begin + epochs):
        for a, b in loader:
            loss = nn.functional.cross_entropy(model(a), b)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: {loss.item():.3f}")
        kept = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
        torch.save(kept, file)


with tempfile.TemporaryDirectory() as folder:
    session(Path(folder), 4)
    session(Path(folder), 4)
