"""Before the real run: can the model learn one batch by heart? Taken once from the real loader."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(19)
torch.set_num_threads(1)

pictures = torch.randn(512, 1, 8, 8)
labels = torch.randint(0, 10, (512,))
loader = DataLoader(TensorDataset(pictures, labels), batch_size=16, shuffle=True)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.head = nn.Linear(8 * 16, 10)

    def forward(self, x):
        return self.head(self.features(x).flatten(1))


def sanity_check(model, steps=200):
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    x, y = next(iter(loader))
    for _ in range(steps):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    return loss.item()


final = sanity_check(Classifier())
print(f"one batch: {final:.4f}")
assert final < 0.1
