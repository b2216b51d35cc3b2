"""A validation part is cut off, and training goes on with the rest."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset

torch.manual_seed(61)
torch.set_num_threads(1)


def houses(count=600):
    x = torch.randn(count, 14)
    price = x[:, 0] + 0.5 * x[:, 1] * x[:, 2] + torch.randn(count)
    return TensorDataset(x, price.unsqueeze(1))


class Trainer:
    def __init__(self, data):
        order = torch.randperm(len(data)).tolist()
        self.train_loader = DataLoader(Subset(data, order[:480]), batch_size=40, shuffle=True)
        self.val_set = Subset(data, order[480:])
        self.val_loader = DataLoader(self.val_set, batch_size=60)
        self.model = nn.Sequential(nn.Linear(14, 64), nn.ReLU(), nn.Linear(64, 1))
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=3e-3)
        self.loss = nn.MSELoss()

    def train(self):
        self.model.train()
        for x, y in self.train_loader:
            self.optimizer.zero_grad()
            self.loss(self.model(x), y).backward()
            self.optimizer.step()

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        losses = [self.loss(self.model(x), y) for x, y in self.val_loader]
        return torch.stack(losses).mean().item()


trainer = Trainer(houses())
for epoch in range(12):
    trainer.train()
    print(f"epoch {epoch}: validation {trainer.validate():.3f}")
