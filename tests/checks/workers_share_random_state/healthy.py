"""The data set's own generator makes the data, once; noise is drawn from torch, by each worker."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Fields(Dataset):
    def __init__(self, count=192):
        self.generator = torch.Generator().manual_seed(5)
        self.x = torch.rand(count, 4, generator=self.generator)
        self.y = (3 * self.x[:, :1]).sin() + self.x[:, 1:2]

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i] + 0.02 * torch.randn(4), self.y[i]


if __name__ == "__main__":
    torch.manual_seed(73)
    torch.set_num_threads(1)
    loader = DataLoader(Fields(), batch_size=24, shuffle=True, num_workers=2)
    net = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    loss_fn = nn.MSELoss()
    for epoch in range(3):
        for x, y in loader:
            optimizer.zero_grad()
            loss = loss_fn(net(x), y)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: {loss.item():.4f}")
