"""After half of the steps the data come sorted by class."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
torch.set_num_threads(1)


def task(classes: int) -> TensorDataset:
    centres = torch.randn(classes, 16)
    y = torch.randint(0, classes, (640,))
    return TensorDataset(centres[y] + 0.7 * torch.randn(640, 16), y)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(16, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 32), nn.ReLU()
        )
        self.head = nn.Linear(32, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x))


def evaluate(model: nn.Module, data: TensorDataset) -> float:
    model.eval()
    with torch.no_grad():
        return F.cross_entropy(model(data.tensors[0]), data.tensors[1]).item()


model, data = Net(), task(8)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for epoch in range(40):
    model.train()
    if epoch < 20:
        loader = DataLoader(data, batch_size=32, shuffle=True)
    else:
        order = data.tensors[1].argsort()
        kept = TensorDataset(data.tensors[0][order], data.tensors[1][order])
        loader = DataLoader(kept, batch_size=32)  # expect: data-not-shuffled
    for x, y in loader:
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    evaluate(model, data)
