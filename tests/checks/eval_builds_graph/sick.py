"""A class-based trainer for an autoencoder; validation adds the losses up as they are."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(11)
torch.set_num_threads(1)


class Trainer:
    def __init__(self, model, train_loader, val_loader, lr=1e-2):
        self.model = model
        self.train_loader, self.val_loader = train_loader, val_loader
        self.criterion = nn.MSELoss()
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=lr)

    def train_epoch(self):
        self.model.train()
        for (x,) in self.train_loader:
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.criterion(self.model(x), x)
            loss.backward()
            self.optimizer.step()
        return loss.item()

    def validate(self):
        self.model.eval()
        val_loss = 0.0
        for (x,) in self.val_loader:
            recon = self.model(x)  # expect: eval-builds-graph
            val_loss += self.criterion(recon, x)
        return val_loss / len(self.val_loader)

    def fit(self, epochs):
        for epoch in range(epochs):
            train_loss = self.train_epoch()
            print(f"{epoch:2d}  train {train_loss:.4f}  val {self.validate():.4f}")


basis = torch.randn(4, 20)
data = torch.randn(900, 4) @ basis / 2 + 0.1 * torch.randn(900, 20)
model = nn.Sequential(nn.Linear(20, 32), nn.Tanh(), nn.Linear(32, 4), nn.Linear(4, 20))
Trainer(
    model,
    DataLoader(TensorDataset(data[:700]), batch_size=50, shuffle=True),
    DataLoader(TensorDataset(data[700:]), batch_size=20),
).fit(12)
